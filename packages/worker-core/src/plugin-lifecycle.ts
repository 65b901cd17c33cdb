import type { Logger } from "graphile-worker";
import type { Installed } from "./compose/compose.ts";
import { messageOf } from "./errors.ts";
import { within } from "./pipeline/hook.ts";

/** Every plugin gets at least this long, however late it is. */
const LEAST_STOP_MS = 250;

/** Starts plugins in order and stops those that were started, in reverse. */
export interface PluginLifecycle {
  /** @throws what a plugin's `start` threw, once those before it have been stopped */
  start(): Promise<void>;
  /** @param deadline - milliseconds since the epoch; a plugin that is not done by then is left behind */
  stop(deadline: number): Promise<void>;
  /** @throws what a plugin threw: the pool must not claim yet */
  poolStarting(pool: string): Promise<void>;
  /** Never throws. */
  poolEnded(pool: string): Promise<void>;
}

/** Makes a {@link PluginLifecycle}. */
export function createPluginLifecycle(
  installed: readonly Installed[],
  logger: Logger,
): PluginLifecycle {
  const started: Installed[] = [];

  async function stop(deadline: number): Promise<void> {
    for (let one = started.pop(); one !== undefined; one = started.pop()) {
      const { plugin, instance } = one;
      const bound = Math.max(LEAST_STOP_MS, deadline - Date.now());
      try {
        await within(Promise.resolve(instance.stop?.()), bound, plugin.name, "stop");
      } catch (error) {
        logger.error(`plugin ${plugin.name} did not stop: ${messageOf(error)}`, { error });
      }
    }
  }

  return {
    async start() {
      try {
        for (const one of installed) {
          if (!one.enabled) continue;
          await one.instance.start?.();
          started.push(one);
        }
      } catch (error) {
        await stop(Date.now() + LEAST_STOP_MS);
        throw error;
      }
    },
    stop,
    async poolStarting(pool) {
      for (const { instance } of started) await instance.poolStarting?.(pool);
    },
    async poolEnded(pool) {
      for (const { plugin, instance } of started) {
        try {
          await instance.poolEnded?.(pool);
        } catch (error) {
          logger.error(`plugin ${plugin.name}, poolEnded failed: ${messageOf(error)}`, { error });
        }
      }
    },
  };
}
