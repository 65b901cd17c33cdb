import { setTimeout as sleep } from "node:timers/promises";
import { createClient, declareTask } from "@oppulence/worker-core";
import {
  checkInvariants,
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
  type TestPostgres,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import type pg from "pg";
import type { Soak, SoakResult } from "./main.ts";
import { KINDS, PILL, type RecoverySoakData, TABLES } from "./recovery-worker.ts";

const MODULE = new URL("./recovery-worker.ts", import.meta.url);
/** Whoever takes a dead pool's jobs back has to have lived for longer than the lease: so the quick one kills less often. */
const SIZES = {
  quick: { jobs: 4_000, pills: 1, processes: 3, kills: 5, everyMs: 2_500, jobMs: 20 },
  full: { jobs: 50_000, pills: 3, processes: 4, kills: 60, everyMs: 1_000, jobMs: 30 },
};
const HEARTBEAT = "500ms";
const DRAIN_MS = 120_000;

type Size = (typeof SIZES)["full"];

/** Processes are killed with -9 every second and replaced; nobody but the packages under test recovers anything. */
export const recovery: Soak = {
  about:
    "recovery, retry and dlq: a worker killed with -9 every second, jobs that kill theirs; every job is done or a dead letter, none lost",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const data: RecoverySoakData = { heartbeat: HEARTBEAT, jobMs: size.jobMs };
      const pool = database.pool();
      await pool.query(TABLES);
      const fleet = new Fleet(database, data);
      await fleet.start(size.processes);
      const jobs = await addJobs(database, kindsOf(size));
      progress(`added ${jobs.length} jobs`);
      await killInTurn(fleet, pool, size, progress);
      const left = await untilEmpty(pool, progress);
      await fleet.stop();
      const violations = [...left, ...(await prove(pool, jobs))];
      const idle = {
        [`an idle fleet, ${HEARTBEAT}: kill to running again, s`]: await oneKill(
          postgres,
          HEARTBEAT,
        ),
      };
      const byDefault: Record<string, number> = isQuick
        ? {}
        : {
            "an idle fleet, by default: kill to running again, s": await oneKill(
              postgres,
              undefined,
            ),
          };
      return {
        figures: {
          jobs: size.jobs,
          "of them pills": size.pills,
          processes: size.processes,
          ...(await figuresOf(pool)),
          ...idle,
          ...byDefault,
        },
        violations,
      };
    } finally {
      await postgres.stop();
    }
  },
};

/** Jobs that succeed or fail, with pills spread over the first tenth. */
function kindsOf({ jobs, pills }: Size): string[] {
  const kinds = Array.from({ length: jobs }, (_, n) => KINDS[n % KINDS.length] as string);
  for (let pill = 0; pill < pills; pill++)
    kinds[Math.floor(((pill + 0.5) / pills) * jobs * 0.1)] = PILL;
  return kinds;
}

/** Worker processes; one that ends before it is told to is replaced. */
class Fleet {
  readonly #database: TestDatabase;
  readonly #data: RecoverySoakData;
  readonly #alive = new Set<SpawnedWorker>();
  #stopping = false;

  constructor(database: TestDatabase, data: RecoverySoakData) {
    this.#database = database;
    this.#data = data;
  }

  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#spawn()));
  }

  /** Kills the one that has lived longest, and waits for the one in its place. */
  async killOldest(): Promise<void> {
    const [oldest] = this.#alive;
    // All may have gone down with pills, and be on their way back.
    if (oldest === undefined) return;
    this.#alive.delete(oldest);
    await oldest.kill("SIGKILL");
    await this.#spawn();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#alive].map((worker) => worker.kill("SIGTERM")));
  }

  async #spawn(): Promise<void> {
    const worker = spawnWorker(MODULE, { database: this.#database, data: this.#data });
    this.#alive.add(worker);
    void worker.exited.then(async () => {
      if (this.#stopping) return;
      // Statements that the process had sent may still be running; its end is when the last has ended.
      await this.#database
        .pool()
        .query(
          "insert into soak_kills (pid) values ($1) on conflict (pid) do update set at = excluded.at",
          [worker.pid],
        );
      if (this.#alive.delete(worker)) await this.#spawn();
    });
    // One that is killed before it is ready is replaced like any other.
    await Promise.race([worker.ready, worker.exited]);
  }
}

/** @returns the jobs' ids; their kinds are in their payloads and in the runs */
async function addJobs(database: TestDatabase, kinds: readonly string[]): Promise<string[]> {
  const task = declareTask({ identifier: "soak" });
  const client = createClient({
    connectionString: database.url,
    config: false,
    tasks: [task],
    logger: new Logger(() => () => {}),
  });
  try {
    const ids: string[] = [];
    for (let from = 0; from < kinds.length; from += 1_000) {
      const results = await client.addJobs(
        kinds.slice(from, from + 1_000).map((kind) => ({ task, payload: { kind } })),
      );
      for (const result of results) if (result.status === "added") ids.push(result.id);
    }
    return ids;
  } finally {
    await client.stop();
  }
}

async function killInTurn(
  fleet: Fleet,
  pool: pg.Pool,
  { kills, everyMs }: Size,
  progress: (text: string) => void,
): Promise<void> {
  for (let killed = 1; killed <= kills; killed++) {
    const next = sleep(everyMs);
    await fleet.killOldest();
    await next;
    if (killed % 10 === 0) progress(`${killed} killed, ${await countLeft(pool)} jobs left`);
  }
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
having not coalesce(bool_or(letter.id is not null or (runs.kind not in ('fail', 'pill') and runs.ended_at is not null)), false)`,
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
    "a job that kills its process is no dead letter of reason crash_loop, or ran more than three times",
    `select runs.job_id as id, count(*) as runs, min(letter.reason) as reason from soak_runs as runs
left join oppulence_worker.graphile_worker_dlq as letter using (job_id)
where $1::bigint[] is not null and runs.kind = 'pill'
group by runs.job_id
having count(*) > 3 or min(letter.reason) is distinct from 'crash_loop'`,
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
    row_number() over (partition by runs.job_id order by runs.id) as nth,
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
  round(max(extract(epoch from again_at - killed_at)) filter (where nth = 1), 2)::float8 as "kill to running again, longest s",
  round(max(extract(epoch from again_at - killed_at)) filter (where nth > 1), 2)::float8 as "of jobs cut off before, which run alone, longest s"
from cut where again_at is not null`;

async function figuresOf(pool: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query(FIGURES);
  return rows[0] as Record<string, number>;
}

/** One kill with a heartbeat of its own, while another worker is idle. */
async function oneKill(postgres: TestPostgres, heartbeat: string | undefined): Promise<number> {
  const database = await postgres.createDatabase();
  const pool = database.pool();
  await pool.query(TABLES);
  const fleet = new Fleet(database, { heartbeat, jobMs: 5_000 });
  await fleet.start(1);
  await addJobs(database, ["succeed", "succeed"]);
  const countRuns = async () => (await pool.query("select from soak_runs")).rows.length;
  while ((await countRuns()) < 2) await sleep(20);
  await fleet.start(1);
  await fleet.killOldest();
  while ((await countRuns()) < 4) await sleep(20);
  await fleet.stop();
  return (await figuresOf(pool))["kill to running again, longest s"] ?? Number.NaN;
}
