import {
  createHarness,
  type Harness,
  type SpawnedWorker,
  type SpawnOptions,
  spawnWorker,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import type { Pool } from "pg";
import { onTestFinished, vi } from "vitest";
import { type RecoveryOptions, type RecoveryPlugin, recovery } from "../src/index.ts";
import { type CrashWorkerData, type Kind, RUNS, work } from "./crash-worker.ts";

/** Quick, and slow enough that a busy machine is not taken for a dead one. */
export const QUICK: RecoveryOptions = { heartbeat: 250, deadAfter: 1_000 };

const MODULE = new URL("./crash-worker.ts", import.meta.url);

/** One run of a job, as its task wrote it down. */
export interface Run {
  readonly job_id: string;
  readonly kind: Kind;
  readonly pid: number;
  readonly pool: string;
  readonly started_at: Date;
  readonly ended: string | null;
}

const pools = new WeakMap<TestDatabase, Pool>();

/** The test's own pool; every call of a database's `pool` makes another. */
export function poolOf(database: TestDatabase): Pool {
  const pool = pools.get(database) ?? database.pool({ max: 3 });
  pools.set(database, pool);
  return pool;
}

/** A database with the table of runs; dropped with the test. */
export async function runsDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  await poolOf(database).query(RUNS);
  return database;
}

/** A worker of this process, with the plugin. */
export async function startHere(
  database: TestDatabase,
  options: Partial<Parameters<typeof createHarness>[0]> & { recovery?: RecoveryOptions } = {},
): Promise<Harness<readonly [RecoveryPlugin]>> {
  const { recovery: given, plugins = [], ...rest } = options;
  const count = async () => {
    const there = "select to_regclass('oppulence_worker.recovery_pools') is not null as there";
    if (!(await poolOf(database).query(there)).rows[0].there) return 0;
    const own = "select from oppulence_worker.recovery_pools where pid = $1 and dead_at is null";
    return (await poolOf(database).query(own, [process.pid])).rowCount ?? 0;
  };
  const before = await count();
  const harness = await createHarness({
    database,
    tasks: [work],
    plugins: [recovery({ ...QUICK, ...given }), ...plugins],
    ...rest,
    worker: { concurrentJobs: 4, ...rest.worker },
  });
  onTestFinished(() => harness.stop());
  // A pool is registered before its first claim, which may be a moment after its start.
  if (rest.config === undefined) await eventually(async () => (await count()) > before);
  return harness as Harness<readonly [RecoveryPlugin]>;
}

/** A worker of its own process, killed at the latest with the test. */
export async function startChild(
  database: TestDatabase,
  { recovery: given, worker }: CrashWorkerData = {},
  more: Partial<SpawnOptions> = {},
): Promise<SpawnedWorker> {
  const data = { recovery: given === false ? false : { ...QUICK, ...given }, worker };
  const spawned = spawnWorker(MODULE, { database, data, ...more });
  onTestFinished(async () => {
    await spawned.kill();
  });
  await spawned.ready;
  return spawned;
}

/** Adds jobs in SQL, in one transaction: workers see all of them or none. Returns their ids. */
export async function addWork(
  database: TestDatabase,
  kinds: readonly Kind[],
  spec: { readonly queues?: readonly (string | null)[]; readonly maxAttempts?: number } = {},
): Promise<string[]> {
  const { rows } = await poolOf(database).query<{ id: string }>(
    `select job.id from unnest($1::text[], $2::text[]) with ordinality as item(kind, queue, at),
  graphile_worker.add_job('work', json_build_object('kind', kind), queue_name := queue, max_attempts := $3) as job
order by at`,
    [kinds, spec.queues ?? [], spec.maxAttempts ?? 25],
  );
  return rows.map(({ id }) => id);
}

/** Runs so far, oldest first. */
export async function runsOf(database: TestDatabase, job?: string): Promise<Run[]> {
  const { rows } = await poolOf(database).query<Run>(
    "select * from recovery_test_runs where $1::bigint is null or job_id = $1 order by id",
    [job ?? null],
  );
  return rows;
}

/** Waits until something is so. */
export function eventually<T>(
  look: () => Promise<T | false | undefined> | T | false | undefined,
  timeout = 15_000,
): Promise<T> {
  return vi.waitUntil(look, { timeout, interval: 20 }) as Promise<T>;
}

/** Lets jobs of the kinds `hold` and `deaf` end: in one process, or in all. */
export async function release(database: TestDatabase, pid: number | null = null): Promise<void> {
  await poolOf(database).query("insert into recovery_test_released values ($1)", [pid]);
}

/** Children that are started again whenever they die, as an orchestrator does it, until `stop`. */
export function keepAlive(
  database: TestDatabase,
  count: number,
  data: CrashWorkerData = {},
): { readonly deaths: () => number; stop(): Promise<void> } {
  let stopped = false;
  let deaths = 0;
  const alive = new Set<SpawnedWorker>();
  const order = { ...data, recovery: { ...QUICK, ...(data.recovery || {}) } };
  const start = () => {
    if (stopped) return;
    const spawned = spawnWorker(MODULE, { database, data: order });
    alive.add(spawned);
    void spawned.exited.then(() => {
      alive.delete(spawned);
      deaths += stopped ? 0 : 1;
      start();
    });
  };
  const stop = async () => {
    stopped = true;
    await Promise.all([...alive].map((spawned) => spawned.kill()));
  };
  for (let n = 0; n < count; n++) start();
  onTestFinished(stop);
  return { deaths: () => deaths, stop };
}
