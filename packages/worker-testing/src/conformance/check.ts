import type { Cell } from "./cells.ts";
import type { Subject } from "./subject.ts";

/** One thing that is asked of every plugin to which it applies. */
export interface Check {
  /** `group: what is so when all is well`. */
  readonly name: string;
  /** Runs in every cell instead of one. */
  readonly everyCell?: boolean;
  /** Whether the plugin has what this is about. @defaultValue always */
  readonly applies?: (subject: Subject) => boolean;
  /** @throws ConformanceError, or whatever else came in its way */
  readonly run: (subject: Subject, cell: Cell) => Promise<void>;
}
