import { type AnyPlugin, createWorker, defineTask } from "@oppulence/worker-core";
import { type NewPool, openPool } from "./graphile.ts";
import { silentLogger } from "./silent-logger.ts";
import { type MakeSystem, NO_OP } from "./system.ts";

/** The platform with some plugins, on a pool like the one that bare graphile-worker gets. */
export function platformSystem(
  databaseUrl: string,
  worker: GraphileConfig.WorkerOptions,
  plugins: readonly AnyPlugin[],
  newPool: NewPool = openPool,
): MakeSystem {
  return (hit) => {
    const pool = newPool(databaseUrl);
    const running = createWorker({
      pool,
      config: false,
      handleSignals: false,
      logger: silentLogger,
      plugins,
      worker: { ...worker },
      tasks: [defineTask({ identifier: NO_OP, run: async () => hit() })],
    });
    return {
      start: () => running.start(),
      async stop() {
        await running.stop();
        await pool.end();
      },
    };
  };
}

