import { setTimeout as sleep } from "node:timers/promises";
import {
  type AnyPlugin,
  type AnyTask,
  createWorker,
  defineTask,
  type TaskOptions,
} from "@oppulence/worker-core";
import { type NewPool, openPool } from "./graphile.ts";
import { silentLogger } from "./silent-logger.ts";
import { type MakeSystem, NO_OP, watchedEvents } from "./system.ts";

/** What a platform may have beside its plugins. */
export interface PlatformOptions {
  /** @defaultValue {@link openPool} */
  readonly newPool?: NewPool;
  /** What the task that is measured asks of plugins. */
  readonly options?: TaskOptions;
  /** How long a job of it takes. @defaultValue no time */
  readonly jobMs?: number;
  /** Further tasks that the worker runs. */
  readonly others?: readonly AnyTask[];
}

/** The platform with some plugins, on a pool like the one that bare graphile-worker gets. */
export function platformSystem(
  databaseUrl: string,
  engine: GraphileConfig.WorkerOptions,
  plugins: readonly AnyPlugin[],
  { newPool = openPool, options = {}, jobMs, others = [] }: PlatformOptions = {},
): MakeSystem {
  return (watch) => {
    const pool = newPool(databaseUrl);
    const run =
      jobMs === undefined
        ? async () => watch.hit()
        : async () => {
            await sleep(jobMs);
            watch.hit();
          };
    const task = defineTask({ ...options, identifier: NO_OP, run });
    const worker = createWorker({
      pool,
      config: false,
      handleSignals: false,
      logger: silentLogger,
      plugins,
      worker: { ...engine, events: watchedEvents(watch) },
      tasks: [task, ...others],
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

/** A task of whose jobs none is to run. */
export function taskThatWaits<const I extends string>(identifier: I, options: TaskOptions = {}) {
  return defineTask({ ...options, identifier, run: unexpected });
}

function unexpected(): never {
  throw new Error("a job ran that was not to run");
}
