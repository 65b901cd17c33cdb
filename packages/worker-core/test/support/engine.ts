import { runMigrations } from "graphile-worker";
import type pg from "pg";
import { engineTables, poolDatabase } from "../../src/engine/database.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { Job } from "../../src/index.ts";
import { loadMigrations } from "../../src/migrations/load.ts";
import { migrate } from "../../src/migrations/migrate.ts";
import { engineDatabase } from "./database.ts";
import { quietLogger } from "./worker.ts";

/** An engine on a database of its own, and what is needed to look at what it did. */
export interface TestEngine {
  readonly engine: Engine;
  readonly pool: pg.Pool;
  /** What was told of moved jobs: when each is due, in milliseconds. */
  readonly dueIn: number[];
  /** Statements that the engine has sent so far. */
  statements(): number;
  readonly hooks: {
    /** Called with each statement before it is sent. */
    onStatement?: (text: string, values: readonly unknown[]) => Promise<void>;
  };
  sql<R extends Record<string, unknown> = Record<string, any>>(
    text: string,
    values?: unknown[],
  ): Promise<R[]>;
  /** Adds a job as SQL producers do. */
  add(options?: {
    task?: string;
    queue?: string;
    key?: string;
    runAt?: string;
    maxAttempts?: number;
    priority?: number;
    flags?: string[];
    payload?: unknown;
  }): Promise<string>;
  /** Claims jobs as the engine does: attempts + 1, job and queue locked by the pool. */
  claim(ids: readonly string[], poolId?: string): Promise<Job[]>;
  row(id: string): Promise<Job | undefined>;
}

export const POOL = "pool-test";

/** Makes a {@link TestEngine}, migrated by the graphile-worker that the test runs on. */
export async function testEngine(failJobBatchDelayMs = 0): Promise<TestEngine> {
  const database = await engineDatabase();
  const pool = database.pool();
  await runMigrations({ pgPool: pool, logger: quietLogger() });
  const core = await loadMigrations("core", { directory: new URL("../../sql/", import.meta.url) });
  await migrate({ pool, sets: [core], mode: "auto" });
  const tables = engineTables("graphile_worker", "oppulence_worker");
  const direct = poolDatabase(pool, tables, true);
  let statements = 0;
  const hooks: TestEngine["hooks"] = {};
  const dueIn: number[] = [];
  const engine = createEngine({
    database: {
      tables,
      async run(name, text, values) {
        statements++;
        await hooks.onStatement?.(text, values);
        return direct.run(name, text, values);
      },
    },
    failJobBatchDelayMs,
    onDue: (dueInMs) => dueIn.push(dueInMs),
    onQueuesFreed: () => {},
    signal: AbortSignal.timeout(60_000),
  });
  const sql = async <R extends Record<string, unknown>>(text: string, values?: unknown[]) =>
    (await pool.query<R>(text, values)).rows;
  return {
    hooks,
    engine,
    pool,
    dueIn,
    statements: () => statements,
    sql,
    async add({ task = "t", queue, key, runAt, maxAttempts, priority, flags, payload = {} } = {}) {
      const [row] = await sql<{ id: string }>(
        "select id from graphile_worker.add_job($1, $2::json, queue_name := $3, job_key := $4, run_at := $5::timestamptz, max_attempts := $6, priority := $7, flags := $8)",
        [
          task,
          JSON.stringify(payload),
          queue ?? null,
          key ?? null,
          runAt ?? null,
          maxAttempts ?? null,
          priority ?? null,
          flags ?? null,
        ],
      );
      return row?.id as string;
    },
    claim: (ids, poolId = POOL) =>
      sql(
        `with claimed as (
  update graphile_worker._private_jobs set attempts = attempts + 1, locked_by = $2, locked_at = now()
  where id = any($1::bigint[]) returning *
), queues as (
  update graphile_worker._private_job_queues as queues set locked_by = $2, locked_at = now()
  from claimed where queues.id = claimed.job_queue_id
)
select claimed.*, tasks.identifier as task_identifier from claimed
join graphile_worker._private_tasks as tasks on tasks.id = claimed.task_id order by claimed.id`,
        [ids, poolId],
      ) as unknown as Promise<Job[]>,
    row: async (id) =>
      (
        await sql("select * from graphile_worker._private_jobs where id = $1", [id])
      )[0] as unknown as Job | undefined,
  };
}
