import type { Cell } from "./cells.ts";
import type { Subject } from "./subject.ts";

/** One thing that is asked of every plugin to which it applies. */
export interface Check {
  /** `group: what is so when all is well`. */
  readonly name: string;
  /**
   * In which cells it runs: the first, the two that differ in everything, or all four.
   * @defaultValue `"first"`
   */
  readonly cells?: "first" | "corners" | "all";
  /** Whether the plugin has what this is about. @defaultValue always */
  readonly applies?: (subject: Subject) => boolean;
  /** @throws ConformanceError, or whatever else came in its way */
  readonly run: (subject: Subject, cell: Cell) => Promise<void>;
}
