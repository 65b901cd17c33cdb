/**
 * How late schedules fire when very many are due in the same second, and with 0 rounds what they cost when none
 * is due; by hand: `node --conditions=@oppulence/source test/lateness.ts [schedules] [processes] [rounds]`.
 */
import { createWorker, defineTask } from "@oppulence/worker-core";
import { spawnWorker, startPostgres } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { cron } from "../src/index.ts";
import { manySchedules } from "./many-schedules.ts";

const [schedules = 10_000, processes = 1, rounds = 5] = process.argv.slice(2).map(Number);
const EVERY_S = rounds === 0 ? 0 : 10;
const IDLE_S = 20;
const LATENESS = `
select count(*)::int as slots,
  ${["inserted", "committed", "started"]
    .flatMap((what) =>
      [0.5, 0.99, 1].map(
        (share) =>
          `round((percentile_cont(${share}) within group (order by ${what}))::numeric * 1000)::int as "${what} ${share === 1 ? "max" : `p${share * 100}`}"`,
      ),
    )
    .join(",\n  ")}
from (
  select extract(epoch from events.created_at - events.scheduled_at) as inserted,
    extract(epoch from pg_xact_commit_timestamp(schedules.xmin) - events.scheduled_at) as committed,
    extract(epoch from events.started_at - events.scheduled_at) as started
  from oppulence_worker.scheduled_job_events as events
  join oppulence_worker.cron_schedules as schedules
    on schedules.key = events.job_key and schedules.last_slot = events.scheduled_at
) as late`;
const STATEMENTS = `select round(total_exec_time)::int as ms, calls, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 110) as query
from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
order by total_exec_time desc limit 14`;

const postgres = await startPostgres({
  settings: {
    track_commit_timestamp: "on",
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "top",
  },
});
try {
  const database = await postgres.createDatabase();
  const pool = database.pool({ max: 2 });
  await pool.query("create extension pg_stat_statements");
  const worker = createWorker({
    connectionString: database.url,
    config: false,
    handleSignals: false,
    logger: new Logger(() => (level, message) => {
      if (level === "error" || level === "warning") console.error(level, message);
    }),
    tasks: [defineTask({ identifier: "work", run: () => {} })],
    plugins: [cron({ schedules: manySchedules(schedules, EVERY_S) })],
    worker: { concurrentJobs: 10 },
  });
  await worker.migrate("auto");
  const before = performance.now();
  await worker.start();
  console.log(`start of the first process: ${Math.round(performance.now() - before)} ms`);
  const others = Array.from({ length: processes - 1 }, () =>
    spawnWorker(new URL("./killed-worker.ts", import.meta.url), {
      database,
      data: { schedules, everyS: EVERY_S },
    }),
  );
  await Promise.all(others.map(({ ready }) => ready));
  if (rounds === 0) {
    await pool.query("select pg_stat_statements_reset()");
    await new Promise((resolve) => setTimeout(resolve, IDLE_S * 1_000));
    const { rows } = await pool.query(
      `select round(sum(calls) / ${IDLE_S * processes}, 2)::float8 as "statements a second a process, the engine's included",
  round(coalesce(sum(calls) filter (where query like '%oppulence_worker%cron_%' or query like '%scheduled_job_events%'), 0) / ${IDLE_S * processes}, 2)::float8 as "of this package"
from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
  and query not like '%pg_stat_statements%'`,
    );
    console.log(JSON.stringify(rows[0]));
  }
  for (let round = 0; round < rounds; round++) {
    const toSlot = EVERY_S * 1_000 - (Date.now() % (EVERY_S * 1_000));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, toSlot - 1_000)));
    await pool.query("select pg_stat_statements_reset()");
    await new Promise((resolve) => setTimeout(resolve, EVERY_S * 1_000 - 1_000));
    console.log(JSON.stringify((await pool.query(LATENESS)).rows[0]));
  }
  console.table((await pool.query(STATEMENTS)).rows);
  await worker.stop();
  for (const other of others) await other.kill("SIGTERM");
} finally {
  await postgres.stop();
}
