import type { Job } from "graphile-worker";
import type { EngineDatabase } from "./database.ts";

/** The label that counts how many pools went down with a job. */
export const CRASHES_LABEL = "crashes";

/** How crashes of a dead pool are counted. */
export interface RecoverChoice {
  /** Ids of jobs that are known to have been started by the pool, not only claimed. */
  readonly started: readonly string[];
  /** From how many crashes on a job that had been started stays locked. At least 2. */
  readonly maxCrashes: number;
}

/** A job that is back in the queue. */
export interface RecoveredJob {
  readonly id: string;
  readonly task: string;
  /** How many pools went down with it. */
  readonly crashes: number;
}

/** A job that took its pool with it too often; it is still locked by the dead pool. */
export interface PoisonedJob {
  readonly job: Job;
  readonly crashes: number;
}

/** What became of a dead pool's jobs. */
export interface Recovered {
  readonly returned: readonly RecoveredJob[];
  readonly poisoned: readonly PoisonedJob[];
}

interface RecoveredRow extends Record<string, unknown> {
  readonly poisoned: boolean;
  readonly crashes: number;
}

/**
 * Takes over from a pool that is known to be gone, in one statement.
 *
 * Its jobs get the attempt back that the claim counted, and a crash is counted in their label `crashes`: for
 * a job without the label it becomes 1, as nobody knows which of the claimed jobs it was; for one with it,
 * it goes up only if the job is among those that had been started.
 *
 * Jobs below the limit, and those at it that had not been started, are unlocked, their queues freed, other
 * workers told. The others stay locked by the dead pool, so that nobody runs them before they are moved away
 * or exhausted. Asked again, they are returned again and not counted again.
 */
export async function recoverJobs(
  { run, tables }: EngineDatabase,
  pool: string,
  { started, maxCrashes }: RecoverChoice,
): Promise<Recovered> {
  const rows = await run<RecoveredRow & Job>(
    "recover",
    `with counted as (
  select jobs.id, label.key, case
      when label.crashes is null then 1
      when label.crashes >= $3::int then label.crashes
      when jobs.id = any($2::bigint[]) then label.crashes + 1
      else label.crashes
    end as crashes
  from ${tables.jobs} as jobs
  left join lateral (
    select key, substring(key from '${CRASHES_LABEL}=([0-9]{1,9})$')::int as crashes
    from jsonb_object_keys(jobs.flags) as key
    where key ~ '^${CRASHES_LABEL}=[0-9]{1,9}$'
    limit 1
  ) as label on true
  where jobs.locked_by = $1::text
  for update of jobs
), held as (
  select id, key, crashes, crashes >= $3::int and id = any($2::bigint[]) as poisoned from counted
), moved as (
  update ${tables.jobs} as jobs
  set attempts = case when held.poisoned then jobs.attempts else greatest(0, jobs.attempts - 1) end,
    flags = (coalesce(jobs.flags, '{}') - coalesce(held.key, '')) || jsonb_build_object('${CRASHES_LABEL}=' || held.crashes, true),
    locked_at = case when held.poisoned then jobs.locked_at end,
    locked_by = case when held.poisoned then jobs.locked_by end,
    updated_at = now()
  from held
  where jobs.id = held.id
  returning jobs.*, held.crashes, held.poisoned
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  where queues.locked_by = $1::text
    and queues.id not in (select job_queue_id from moved where poisoned and job_queue_id is not null)
), told as (
  select case when count(*) > 0
    then pg_notify('jobs:insert', json_build_object('r', random(), 'count', count(*))::text) end
  from moved where not poisoned
)
select moved.*, tasks.identifier as task_identifier
from moved
join ${tables.tasks} as tasks on tasks.id = moved.task_id
left join told on true
order by moved.id`,
    [pool, started, maxCrashes],
  );
  return {
    returned: rows
      .filter(({ poisoned }) => !poisoned)
      .map(({ id, task_identifier, crashes }) => ({ id, task: task_identifier, crashes })),
    poisoned: rows
      .filter(({ poisoned }) => poisoned)
      .map(({ poisoned: _, crashes, ...job }) => ({ job: job as unknown as Job, crashes })),
  };
}
