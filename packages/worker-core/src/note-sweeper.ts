import type { Logger } from "graphile-worker";
import { systemClock } from "./clock.ts";
import type { Engine } from "./engine/engine.ts";
import { messageOf } from "./errors.ts";
import { Loop } from "./loop.ts";

const EVERY_MS = 60_000;

/** Deletes notes of jobs that are gone: one bounded page of the table a minute, along its key. */
export function createNoteSweeper(engine: Engine, logger: Logger): Loop {
  let after = "0";
  return new Loop({
    clock: systemClock,
    intervalMs: EVERY_MS,
    async turn() {
      try {
        after = await engine.sweepNotes(after);
      } catch (error) {
        logger.warn(`could not sweep notes, trying again in a minute: ${messageOf(error)}`, {
          error,
        });
      }
    },
  });
}
