import type { InspectedTables } from "./inspected-tables.ts";

/** What the invariants compare the database with. */
export interface ExpectedState {
  /** Ids of jobs that must be in the table unless they are done. */
  readonly jobs: readonly string[];
  /** Ids of jobs that ended, whose rows may be gone. */
  readonly done: readonly string[];
  /** Ids of the engine's pools that are alive and may hold locks. */
  readonly livePools: readonly string[];
}

/** A statement that returns one row for everything that is wrong. */
interface InvariantStatement {
  readonly name: string;
  /** What must be true, as a sentence. */
  readonly about: string;
  readonly text: (tables: InspectedTables) => string;
  readonly values: (expected: ExpectedState) => readonly unknown[];
}

const none = () => [];

/** Every invariant, one statement each. */
export const INVARIANT_STATEMENTS: readonly InvariantStatement[] = [
  {
    name: "no-job-lost",
    about: "every job that was added and has not ended is in the table",
    text: ({ jobs }) => `select expected.id::text as id
from unnest($1::bigint[]) as expected(id)
where expected.id <> all($2::bigint[])
  and not exists (select from ${jobs} as jobs where jobs.id = expected.id)`,
    values: ({ jobs, done }) => [jobs, done],
  },
  {
    name: "no-ended-job-left",
    about: "a job that ended well is not in the table any more",
    text: ({ jobs }) => `select jobs.id::text as id, jobs.attempts, jobs.locked_by, jobs.last_error
from ${jobs} as jobs
where jobs.id = any($1::bigint[])`,
    values: ({ done }) => [done],
  },
  {
    name: "no-queue-locked-without-job",
    about: "a queue is locked only by a pool that holds a job of it",
    text: ({ jobs, queues }) => `select queues.queue_name, queues.locked_by, queues.locked_at
from ${queues} as queues
where queues.locked_by is not null
  and not exists (
    select from ${jobs} as jobs
    where jobs.job_queue_id = queues.id and jobs.locked_by = queues.locked_by
  )`,
    values: none,
  },
  {
    name: "no-job-locked-without-queue",
    about: "the queue of a locked job is locked by the same pool",
    text: ({
      jobs,
      queues,
    }) => `select jobs.id::text as id, queues.queue_name, jobs.locked_by as job_locked_by, queues.locked_by as queue_locked_by
from ${jobs} as jobs
join ${queues} as queues on queues.id = jobs.job_queue_id
where jobs.locked_by is not null and jobs.locked_by is distinct from queues.locked_by`,
    values: none,
  },
  {
    name: "no-two-jobs-running-in-one-queue",
    about: "at most one job of a named queue is locked",
    text: ({
      jobs,
      queues,
    }) => `select queues.queue_name, array_agg(jobs.id::text order by jobs.id) as ids
from ${jobs} as jobs
join ${queues} as queues on queues.id = jobs.job_queue_id
where jobs.locked_by is not null
group by queues.queue_name
having count(*) > 1`,
    values: none,
  },
  {
    name: "no-lock-of-unknown-pool",
    about: "every lock belongs to a pool that is alive",
    text: ({ jobs, queues }) => `select 'job' as kind, jobs.id::text as name, jobs.locked_by
from ${jobs} as jobs
where jobs.locked_by is not null and jobs.locked_by <> all($1::text[])
union all
select 'queue', queues.queue_name, queues.locked_by
from ${queues} as queues
where queues.locked_by is not null and queues.locked_by <> all($1::text[])`,
    values: ({ livePools }) => [livePools],
  },
  {
    name: "no-half-set-lock",
    about: "a lock has both an owner and an instant",
    text: ({
      jobs,
      queues,
    }) => `select 'job' as kind, jobs.id::text as name, jobs.locked_by, jobs.locked_at
from ${jobs} as jobs
where (jobs.locked_by is null) <> (jobs.locked_at is null)
union all
select 'queue', queues.queue_name, queues.locked_by, queues.locked_at
from ${queues} as queues
where (queues.locked_by is null) <> (queues.locked_at is null)`,
    values: none,
  },
  {
    name: "no-attempts-out-of-range",
    about: "a job has made between none and all of its attempts",
    text: ({ jobs }) => `select jobs.id::text as id, jobs.attempts, jobs.max_attempts
from ${jobs} as jobs
where jobs.attempts < 0 or jobs.attempts > jobs.max_attempts`,
    values: none,
  },
  {
    name: "no-note-of-unknown-job",
    about: "a note is about a job that is or was there",
    text: ({ notes, jobIds }) => `select notes.job_id::text as id, notes.plugin, notes.kind
from ${notes} as notes
where notes.job_id < 1
  or notes.job_id > coalesce(pg_sequence_last_value(pg_get_serial_sequence('${jobIds}', 'id')::regclass), 0)`,
    values: none,
  },
  {
    name: "no-incomplete-note",
    about: "a note says until when a job waits, and where a held job came from",
    text: ({
      notes,
    }) => `select notes.job_id::text as id, notes.plugin, notes.kind, notes.until, notes.held_from
from ${notes} as notes
where notes.count < 1
  or (notes.kind in ('deferred', 'held')) <> (notes.until is not null)
  or (notes.kind = 'held' and notes.held_from is null)
  or (notes.kind not in ('held', 'deferred') and notes.held_from is not null)`,
    values: none,
  },
];
