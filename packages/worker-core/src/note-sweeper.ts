import type { Logger } from "graphile-worker";
import type { Engine } from "./engine/engine.ts";
import { messageOf } from "./errors.ts";

const EVERY_MS = 60_000;

/** Deletes notes of jobs that are gone: one bounded page of the table a minute, along its key. */
export interface NoteSweeper {
  start(): void;
  /** Resolves once a sweep that was under way has ended. */
  stop(): Promise<void>;
}

/** Makes a {@link NoteSweeper}. */
export function createNoteSweeper(engine: Engine, logger: Logger): NoteSweeper {
  let timer: NodeJS.Timeout | undefined;
  let after = "0";
  let sweeping: Promise<void> | undefined;

  async function sweep(): Promise<void> {
    try {
      after = await engine.sweepNotes(after);
    } catch (error) {
      logger.warn(`could not sweep notes, trying again in a minute: ${messageOf(error)}`, {
        error,
      });
    }
    sweeping = undefined;
  }

  return {
    start() {
      timer ??= setInterval(() => {
        sweeping ??= sweep();
      }, EVERY_MS).unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await sweeping;
    },
  };
}
