import { type Runner, run } from "graphile-worker";
import pg from "pg";
import { silentLogger } from "./silent-logger.ts";
import { type MakeSystem, NO_OP, watchedEvents } from "./system.ts";

/** graphile-worker by itself, on a pool of our own like the platform's. */
export function bareSystem(
  databaseUrl: string,
  worker: GraphileConfig.WorkerOptions,
  newPool: NewPool = openPool,
): MakeSystem {
  return (watch) => {
    const pool = newPool(databaseUrl);
    let runner: Runner | undefined;
    return {
      async start() {
        runner = await run({
          pgPool: pool,
          logger: silentLogger,
          noHandleSignals: true,
          parsedCronItems: [],
          events: watchedEvents(watch),
          preset: { worker: { ...worker } },
          taskList: {
            [NO_OP]: async () => watch.hit(),
          },
        });
      },
      add: () => (runner as Runner).addJob(NO_OP, {}),
      async stop() {
        await runner?.stop();
        await pool.end();
      },
    };
  };
}

/** Opens the pool that a system runs on. */
export type NewPool = (databaseUrl: string) => pg.Pool;

/** A pool of ten connections, the default of graphile-worker and of the core. */
export function openPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  // graphile-worker asks for both: the end of an idle connection is fatal without them.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}
