import { setTimeout as sleep } from "node:timers/promises";
import {
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
} from "@oppulence/worker-testing";
import type pg from "pg";
import { SLOT_PROOF } from "../../packages/worker-cron/test/slot-proof.ts";
import type { Soak, SoakResult } from "./main.ts";
import { RUNS, type ScheduleSoakData } from "./schedule-worker.ts";

const MODULE = new URL("./schedule-worker.ts", import.meta.url);
const SIZES = {
  quick: { processes: 3, schedules: 50, seconds: 8 },
  full: { processes: 8, schedules: 200, seconds: 60 },
};
const KILL_EVERY_S = 2;
const END_WITHIN_MS = 60_000;

type Size = (typeof SIZES)["full"];

/** Processes with schedules by the second are killed with -9 and replaced; SQL proves that each slot fired once. */
export const schedules: Soak = {
  about:
    "cron: 8 processes, 200 schedules each second, one process killed every 2 s; every slot exactly once",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const pool = database.pool();
      await pool.query(RUNS);
      const spawn = () => {
        const data: ScheduleSoakData = { schedules: size.schedules };
        return spawnWorker(MODULE, { database, data, poolSize: 6 });
      };
      const alive = Array.from({ length: size.processes }, spawn);
      await Promise.all(alive.map(({ ready }) => ready));
      const killed = await killEvery(alive, spawn, size, progress);
      const left = await untilEnded(pool, progress);
      await Promise.all(alive.map((worker) => worker.kill("SIGTERM")));
      return {
        figures: { ...size, killed, ...(await figuresOf(database)) },
        violations: [...left, ...(await prove(pool, size))],
      };
    } finally {
      await postgres.stop();
    }
  },
};

async function killEvery(
  alive: SpawnedWorker[],
  spawn: () => SpawnedWorker,
  { seconds }: Size,
  progress: (text: string) => void,
): Promise<number> {
  let killed = 0;
  for (let second = KILL_EVERY_S; second <= seconds; second += KILL_EVERY_S) {
    const next = sleep(KILL_EVERY_S * 1_000);
    const victim = alive.shift() as SpawnedWorker;
    await victim.kill("SIGKILL");
    killed += 1;
    const worker = spawn();
    alive.push(worker);
    await worker.ready;
    await next;
    if (killed % 5 === 0) progress(`${killed} killed`);
  }
  return killed;
}

/** Waits until every slot up to now has ended, those whose processes were killed included. */
async function untilEnded(pool: pg.Pool, progress: (text: string) => void): Promise<string[]> {
  const { rows } = await pool.query<{ now: Date }>("select now() as now");
  const deadline = performance.now() + END_WITHIN_MS;
  for (let turn = 1; ; turn++) {
    const open = await pool.query<{ count: number }>(
      "select count(*)::int as count from oppulence_worker.scheduled_job_events where status in ('scheduled', 'started') and scheduled_at <= $1",
      [rows[0]?.now],
    );
    const count = open.rows[0]?.count ?? 0;
    if (count === 0) return [];
    if (performance.now() > deadline)
      return [`${count} slots had not ended after ${END_WITHIN_MS} ms`];
    if (turn % 20 === 0) progress(`${count} slots have not ended`);
    await sleep(200);
  }
}

/** What ran, as the tasks wrote it down: one job a slot, which runs again only where its process was killed. */
const RUN_PROOF: Readonly<Record<string, string>> = {
  "two jobs of one slot ran": `select job_key, scheduled_at, count(distinct job_id) as jobs from schedule_runs
group by job_key, scheduled_at having count(distinct job_id) > 1`,
  "a job ran that is not its slot's": `select runs.* from schedule_runs as runs
left join oppulence_worker.scheduled_job_events as events using (job_key, scheduled_at)
where events.job_id is distinct from runs.job_id`,
  "a slot's job did not run": `select job_key, scheduled_at from oppulence_worker.scheduled_job_events as events
where status = 'succeeded'
  and not exists (select from schedule_runs as runs where runs.job_id = events.job_id)`,
};

/** Beside {@link SLOT_PROOF}: that there is as much to prove as there should be. */
const COMPLETE = `select count(*)::int as schedules, count(distinct first)::int as firsts, min(slots)::int as slots
from (
  select min(scheduled_at) as first, count(*) as slots
  from oppulence_worker.scheduled_job_events group by job_key
) as counts`;

async function prove(pool: pg.Pool, { schedules, seconds }: Size): Promise<string[]> {
  const violations: string[] = [];
  for (const [what, statement] of Object.entries({ ...SLOT_PROOF, ...RUN_PROOF })) {
    const { rows } = await pool.query(`${statement} limit 20`);
    if (rows.length > 0) violations.push(`${what}: ${JSON.stringify(rows)}`);
  }
  const { rows } = await pool.query<{ schedules: number; firsts: number; slots: number }>(COMPLETE);
  const found = rows[0];
  if (found?.schedules !== schedules || found.firsts !== 1 || found.slots < seconds - 1)
    violations.push(
      `the ledger should have ${schedules} schedules with the same first slot and ${seconds - 1} slots or more each; it has ${JSON.stringify(found)}`,
    );
  const failed = await pool.query(
    "select job_key, scheduled_at, status, error from oppulence_worker.scheduled_job_events where status = 'failed' limit 20",
  );
  if (failed.rows.length > 0) violations.push(`a run failed: ${JSON.stringify(failed.rows)}`);
  return violations;
}

const FIGURES = `select count(*)::int as slots, count(*) filter (where status = 'succeeded')::int as succeeded,
  count(*) filter (where attempts > 1)::int as "of them run again",
  (select (count(*) - count(distinct job_id))::int from schedule_runs) as "runs beyond the first of a job",
  ${[0.5, 0.99, 1]
    .map(
      (share) =>
        `round(percentile_cont(${share}) within group (order by extract(epoch from created_at - scheduled_at))::numeric * 1000)::int as "enqueued after its slot, ${share === 1 ? "longest" : `p${share * 100}`}, ms"`,
    )
    .join(",\n  ")}
from oppulence_worker.scheduled_job_events`;

async function figuresOf(database: TestDatabase): Promise<Record<string, number>> {
  const { rows } = await database.pool().query<Record<string, number>>(FIGURES);
  return rows[0] ?? {};
}
