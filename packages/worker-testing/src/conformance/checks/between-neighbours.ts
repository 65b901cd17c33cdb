import type { Tap } from "../../faults/tap-plugin.ts";
import type { Cell } from "../cells.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";

/**
 * Sets a stage with the plugin between two neighbours, and a line in the log, such as `ratelimit: commit`,
 * for everything that becomes of a permit of the plugin's own.
 *
 * @param play - is told how many permits the plugin has granted so far
 */
export function betweenNeighbours(
  subject: Subject,
  cell: Cell,
  play: (stage: Stage, grants: () => number) => Promise<void>,
): Promise<void> {
  let grants = 0;
  let log: string[] = [];
  const tap: Tap = {
    granted: () => {
      grants += 1;
    },
    permit: (end, next) => {
      log.push(`${subject.name}: ${end}`);
      return next();
    },
  };
  return onStage(subject, { cell, neighbours: true, tap }, (stage) => {
    log = stage.log;
    return play(stage, () => grants);
  });
}
