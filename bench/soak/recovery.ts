import { setTimeout as sleep } from "node:timers/promises";
import { createClient, declareTask } from "@oppulence/worker-core";
import {
  checkInvariants,
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import type pg from "pg";
import type { Soak, SoakResult } from "./main.ts";
import { KINDS, type RecoverySoakData, TABLES } from "./recovery-worker.ts";

const MODULE = new URL("./recovery-worker.ts", import.meta.url);
const SIZES = {
  quick: { jobs: 4_000, processes: 2, seconds: 8, jobMs: 20 },
  full: { jobs: 50_000, processes: 4, seconds: 60, jobMs: 30 },
};
const HEARTBEAT = "500ms";
const DRAIN_MS = 120_000;

type Size = (typeof SIZES)["full"];

/** Processes are killed with -9 every second and replaced; nobody but the packages under test recovers anything. */
export const recovery: Soak = {
  about:
    "recovery, retry and dlq: a worker killed with -9 every second; every job is done or a dead letter, none lost",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const data: RecoverySoakData = { heartbeat: HEARTBEAT, jobMs: size.jobMs };
      const alive = await startWorkers(database, size.processes, data);
      const jobs = await addJobs(database, size.jobs);
      progress(`added ${jobs.length} jobs`);
      const pool = database.pool();
      await killEverySecond(database, alive, size, data, progress);
      const left = await untilEmpty(pool, progress);
      for (const worker of alive) await worker.kill("SIGTERM");
      const violations = [...left, ...(await prove(pool, jobs))];
      const byDefault = isQuick ? {} : await recoveryByDefault(await postgres.createDatabase());
      return {
        figures: {
          jobs: size.jobs,
          processes: size.processes,
          ...(await figuresOf(pool)),
          ...byDefault,
        },
        violations,
      };
    } finally {
      await postgres.stop();
    }
  },
};

async function startWorkers(
  database: TestDatabase,
  count: number,
  data: RecoverySoakData,
): Promise<SpawnedWorker[]> {
  await database.pool().query(TABLES);
  const workers = Array.from({ length: count }, () => spawnWorker(MODULE, { database, data }));
  await Promise.all(workers.map(({ ready }) => ready));
  return workers;
}

/** @returns the jobs' ids; their kinds are in their payloads and in the runs */
async function addJobs(database: TestDatabase, count: number): Promise<string[]> {
  const task = declareTask({ identifier: "soak" });
  const client = createClient({
    connectionString: database.url,
    config: false,
    tasks: [task],
    logger: new Logger(() => () => {}),
  });
  try {
    const ids: string[] = [];
    for (let from = 0; from < count; from += 1_000) {
      const results = await client.addJobs(
        Array.from({ length: Math.min(1_000, count - from) }, (_, n) => ({
          task,
          payload: { kind: KINDS[n % KINDS.length] },
        })),
      );
      for (const result of results) if (result.status === "added") ids.push(result.id);
    }
    return ids;
  } finally {
    await client.stop();
  }
}

async function killEverySecond(
  database: TestDatabase,
  alive: SpawnedWorker[],
  { seconds }: Size,
  data: RecoverySoakData,
  progress: (text: string) => void,
): Promise<void> {
  const pool = database.pool();
  for (let second = 1; second <= seconds; second++) {
    const next = sleep(1_000);
    const victim = alive.shift() as SpawnedWorker;
    await kill(pool, victim);
    const worker = spawnWorker(MODULE, { database, data });
    alive.push(worker);
    await worker.ready;
    await next;
    if (second % 10 === 0) progress(`${second} killed, ${await countLeft(pool)} jobs left`);
  }
}

async function kill(pool: pg.Pool, { pid, ...worker }: SpawnedWorker): Promise<void> {
  await worker.kill("SIGKILL");
  // Statements that the process had sent may still be running; its end is when the last has ended.
  await pool.query(
    "insert into soak_kills (pid) values ($1) on conflict (pid) do update set at = excluded.at",
    [pid],
  );
}

async function countLeft(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query("select count(*)::int as count from graphile_worker.jobs");
  return (rows[0] as { count: number }).count;
}

async function untilEmpty(pool: pg.Pool, progress: (text: string) => void): Promise<string[]> {
  const deadline = performance.now() + DRAIN_MS;
  for (let turn = 1; ; turn++) {
    const left = await countLeft(pool);
    if (left === 0) return [];
    if (performance.now() > deadline) return [`${left} jobs were still there after ${DRAIN_MS} ms`];
    if (turn % 50 === 0) progress(`${left} jobs left`);
    await sleep(100);
  }
}

/** What must not be found once everything has ended. `$1`: ids of all jobs that were added. */
const WRONG: readonly (readonly [string, string])[] = [
  [
    "a job is neither done nor a dead letter",
    `select job.id, max(runs.kind) as kind from unnest($1::bigint[]) as job(id)
left join soak_runs as runs on runs.job_id = job.id
left join oppulence_worker.graphile_worker_dlq as letter on letter.job_id = job.id
group by job.id
having not coalesce(bool_or(letter.id is not null or (runs.kind <> 'fail' and runs.ended_at is not null)), false)`,
  ],
  [
    "a job is in the queue and a dead letter",
    "select letter.job_id as id from oppulence_worker.graphile_worker_dlq as letter join graphile_worker.jobs on jobs.id = letter.job_id where $1::bigint[] is not null",
  ],
  [
    "a job is a dead letter twice, or was not to be one",
    `select letter.job_id as id, min(letter.reason) as reason from oppulence_worker.graphile_worker_dlq as letter
left join (select job_id, max(kind) as kind from soak_runs group by job_id) as runs using (job_id)
where $1::bigint[] is not null
group by letter.job_id
having count(*) > 1 or (coalesce(max(runs.kind), '') <> 'fail' and min(letter.reason) <> 'crash_loop')`,
  ],
  [
    "a job ran in two places at once",
    `select first.job_id as id from soak_runs as first
join soak_runs as second on second.job_id = first.job_id and second.id > first.id
left join soak_kills as kills on kills.pid = first.pid
where $1::bigint[] is not null and second.started_at < coalesce(first.ended_at, kills.at, 'infinity')
  and second.started_at < coalesce(kills.at, 'infinity')`,
  ],
  [
    "a job ran more often than its attempts and the kills that it went through explain",
    `select runs.job_id as id, max(runs.kind) as kind, count(*) as runs, count(*) filter (where runs.ended_at is null) as cut_off
from soak_runs as runs left join soak_kills as kills on kills.pid = runs.pid
where $1::bigint[] is not null
group by runs.job_id
having count(*) > case max(runs.kind) when 'fail' then 3 when 'fail once' then 2 else 1 end + count(*) filter (where kills.pid is not null)`,
  ],
];

async function prove(pool: pg.Pool, jobs: readonly string[]): Promise<string[]> {
  const query = async (text: string, values?: readonly unknown[]) =>
    (await pool.query(text, values as unknown[])).rows;
  const violations = (await checkInvariants(query as never)).map(
    ({ name, rows }) => `${name}: ${JSON.stringify(rows.slice(0, 5))}`,
  );
  for (const [what, text] of WRONG) {
    const rows = await query(`${text} limit 20`, [jobs]);
    if (rows.length > 0) violations.push(`${what}: ${JSON.stringify(rows)}`);
  }
  return violations;
}

const FIGURES = `
with cut as (
  select runs.job_id, kills.at as killed_at,
    (select min(later.started_at) from soak_runs as later where later.job_id = runs.job_id and later.id > runs.id) as again_at
  from soak_runs as runs join soak_kills as kills on kills.pid = runs.pid
  where runs.ended_at is null
)
select (select count(*)::int from soak_kills) as killed,
  (select count(*)::int from soak_runs) as runs,
  (select count(*)::int from cut) as "runs cut off by a kill",
  (select count(*)::int from oppulence_worker.graphile_worker_dlq) as "dead letters",
  (select count(*)::int from oppulence_worker.graphile_worker_dlq where reason = 'crash_loop') as "of them crash_loop",
  round((percentile_cont(0.5) within group (order by extract(epoch from again_at - killed_at)))::numeric, 2)::float8 as "kill to running again, median s",
  round(max(extract(epoch from again_at - killed_at)), 2)::float8 as "kill to running again, longest s"
from cut where again_at is not null`;

async function figuresOf(pool: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query(FIGURES);
  return rows[0] as Record<string, number>;
}

/** One kill with the default heartbeat, while another worker is idle. */
async function recoveryByDefault(database: TestDatabase): Promise<Record<string, number>> {
  const data: RecoverySoakData = { heartbeat: undefined, jobMs: 5_000 };
  const workers = await startWorkers(database, 1, data);
  await addJobs(database, 2);
  const pool = database.pool();
  const countRuns = async () => (await pool.query("select from soak_runs")).rows.length;
  while ((await countRuns()) < 2) await sleep(20);
  const survivor = spawnWorker(MODULE, { database, data });
  await survivor.ready;
  await kill(pool, workers[0] as SpawnedWorker);
  while ((await countRuns()) < 4) await sleep(20);
  await survivor.kill("SIGTERM");
  const figures = await figuresOf(pool);
  return {
    "by default: kill to running again, s":
      figures["kill to running again, longest s"] ?? Number.NaN,
  };
}
