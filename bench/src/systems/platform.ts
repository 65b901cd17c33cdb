import { type AnyPlugin, createWorker, defineTask } from "@oppulence/worker-core";
import { type NewPool, openPool } from "./graphile.ts";
import { silentLogger } from "./silent-logger.ts";
import { type MakeSystem, NO_OP, watchedEvents } from "./system.ts";

/**
 * The platform with some plugins, on a pool like the one that bare graphile-worker gets.
 *
 * @param others - further tasks that the worker runs, none of which is to be called
 */
export function platformSystem(
  databaseUrl: string,
  engine: GraphileConfig.WorkerOptions,
  plugins: readonly AnyPlugin[],
  newPool: NewPool = openPool,
  others: readonly string[] = [],
): MakeSystem {
  return (watch) => {
    const pool = newPool(databaseUrl);
    const task = defineTask({ identifier: NO_OP, run: async () => watch.hit() });
    const worker = createWorker({
      pool,
      config: false,
      handleSignals: false,
      logger: silentLogger,
      plugins,
      worker: { ...engine, events: watchedEvents(watch) },
      tasks: [task, ...others.map((identifier) => defineTask({ identifier, run: unexpected }))],
    });
    return {
      start: () => worker.start(),
      add: () => worker.addJob(task, {}),
      async stop() {
        await worker.stop();
        await pool.end();
      },
    };
  };
}

function unexpected(): never {
  throw new Error("a job ran that was not to run");
}
