import { type AnyPlugin, defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { type RecoveryOptions, recovery } from "../src/index.ts";

/** What a job of the soak does, by its payload's `kind`. */
export const SOAK_KINDS = ["quick", "slow", "blocking", "failing"] as const;

/** The soak's own record of what ran and what ended well. Run it before the first worker starts. */
export const SOAK_TABLES = `create table recovery_soak_jobs (id bigint primary key, kind text not null);
create table recovery_soak_runs (
  job_id bigint not null,
  pid int not null,
  pool text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended text
);
create index on recovery_soak_runs (job_id);`;

/**
 * Adds jobs ($1 of them, of the kinds $2 in turn) and remembers them, in one statement. A tenth has one of
 * twenty named queues.
 */
export const SOAK_ADD = `with added as (
  select job.id, item.kind
  from generate_series(1, $1::int) as n
  cross join lateral (select ($2::text[])[1 + n % array_length($2::text[], 1)] as kind) as item
  cross join lateral graphile_worker.add_job(
    'soak', json_build_object('kind', item.kind),
    queue_name := case when n % 10 = 0 then 'queue ' || n % 200 end, max_attempts := 2
  ) as job
)
insert into recovery_soak_jobs select id, kind from added`;

/** How many jobs are not at their end yet: neither gone nor failed for good. 0 ends the soak. */
export const SOAK_LEFT = `select count(*)::int as count
from recovery_soak_jobs as added join graphile_worker.jobs as jobs using (id)
where jobs.locked_at is not null or jobs.attempts < jobs.max_attempts`;

/**
 * Every job is done, or a dead letter, or (without the plugin dlq) failed for good in the queue; none is
 * lost, none is in two places. Returns the jobs of which that is not true, with what is.
 *
 * @param deadLetters - the qualified table of dead letters with a column `job_id`; undefined without dlq
 */
export const soakInvariant = (deadLetters: string | undefined): string => `with places as (
  select added.id, added.kind,
    jobs.id is not null as queued,
    jobs.id is not null and jobs.locked_at is null and jobs.attempts >= jobs.max_attempts as failed,
    ${deadLetters === undefined ? "0" : `(select count(*) from ${deadLetters} as letters where letters.job_id = added.id)`} as letters,
    exists (select from recovery_soak_runs as runs where runs.job_id = added.id and runs.ended = 'done') as done
  from recovery_soak_jobs as added
  left join graphile_worker.jobs as jobs using (id)
)
select id::text as id, kind, case
    when queued and letters > 0 then 'in the queue and a dead letter'
    when letters > 1 then 'a dead letter twice'
    when queued and not failed then 'not at its end'
    when not queued and letters = 0 and not done then 'lost'
    when kind = 'failing' and not queued and letters = 0 then 'gone although it fails'
  end as wrong
from places
where (queued and letters > 0) or letters > 1 or (queued and not failed)
  or (not queued and letters = 0 and not done)
  or (kind = 'failing' and not queued and letters = 0)
order by id limit 20`;

/** No pool or start of a suspect is left once all workers have stopped in order and dead ones were swept. */
export const SOAK_LEFTOVERS = `select 'pool' as what, pool as name from oppulence_worker.recovery_pools
union all select 'start', job_id::text from oppulence_worker.recovery_starts`;

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Records its run, and does what its kind says. */
export const soakTask = defineTask({
  identifier: "soak",
  run: async (payload, { job, query }) => {
    const { kind } = payload as { kind: (typeof SOAK_KINDS)[number] };
    const run = [job.id, process.pid, job.locked_by];
    await query("insert into recovery_soak_runs (job_id, pid, pool) values ($1, $2, $3)", run);
    if (kind === "slow") await delay(Math.random() * 200);
    const until = performance.now() + (kind === "blocking" ? 5 : 0);
    while (performance.now() < until);
    if (kind === "failing") throw new Error("this job always fails");
    await query(
      "update recovery_soak_runs set ended = 'done' where job_id = $1 and pid = $2 and pool = $3",
      run,
    );
  },
});

/** Options of {@link soakWorker}. */
export interface SoakData {
  readonly recovery?: RecoveryOptions;
  readonly worker?: GraphileConfig.WorkerOptions;
}

/** A worker of the soak, with plugins beside this one. Its local queue is on, as it is by default. */
export const soakWorker =
  (...beside: readonly AnyPlugin[]): WorkerModule =>
  ({ data }) => {
    const { recovery: options, worker } = (data ?? {}) as SoakData;
    return {
      tasks: [soakTask],
      plugins: [recovery(options), ...beside],
      worker: { concurrentJobs: 8, ...worker },
      stopTimeout: "5s",
    };
  };

/** The worker without others' plugins: a module for `spawnWorker`. */
export const config: WorkerModule = soakWorker();
