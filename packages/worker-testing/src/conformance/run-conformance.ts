import { type AnyPlugin, messageOf } from "@oppulence/worker-core";
import { CELLS, type Cell } from "./cells.ts";
import type { Check } from "./check.ts";
import { CHECKS } from "./checks/index.ts";
import type { ConformanceFixtures } from "./fixtures.ts";
import { createSubject, type Subject } from "./subject.ts";
import { createTurns } from "./turns.ts";

/** One check, in one cell. */
export interface PlannedCheck {
  /** The check's name, with the cell's behind it where it runs in several. */
  readonly title: string;
  /** The check's name. */
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** How a check went. */
export interface ConformanceResult {
  /** `group: what is so when all is well`. */
  readonly name: string;
  readonly title: string;
  readonly passed: boolean;
  /** What was found and what would be right; empty when it passed. */
  readonly message: string;
  /** What was thrown. */
  readonly error: unknown;
}

/** Which checks to run. */
export interface ConformanceOptions {
  /** Checks whose name this returns true for. @defaultValue all that apply to the plugin */
  readonly only?: (name: string) => boolean;
  /** In how many of its cells a check runs at most. @defaultValue in all of them */
  readonly cells?: number;
  /** How many run at the same time, each on a database of its own. @defaultValue 4 */
  readonly atOnce?: number;
}

/** The checks that apply to a plugin. One that cannot be put together is only told so. */
export function planChecks(
  subject: Subject,
  { only = () => true, cells = CELLS.length }: Omit<ConformanceOptions, "atOnce"> = {},
): PlannedCheck[] {
  return CHECKS.filter((check) => only(check.name) && applies(check, subject)).flatMap((check) =>
    cellsOf(check)
      .slice(0, cells)
      .map((cell) => ({
        title: check.cells === undefined ? check.name : `${check.name} [${cell.name}]`,
        name: check.name,
        run: () => check.run(subject, cell),
      })),
  );
}

function cellsOf({ cells = "first" }: Check): readonly Cell[] {
  const [first] = CELLS;
  if (cells === "first") return [first];
  return cells === "all" ? CELLS : [first, CELLS.at(-1) as Cell];
}

function applies(check: Check, subject: Subject): boolean {
  if (subject.problem !== undefined) return check === CHECKS[0];
  return check.applies?.(subject) !== false;
}

/**
 * Runs the conformance suite without a test runner.
 *
 * @param make - makes a fresh plugin
 * @returns one result a check and cell, in order; it does not throw for what a check finds
 *
 * @example
 * ```ts
 * const results = await runConformance(() => myPlugin(), { module: new URL("./my-plugin.ts", import.meta.url) });
 * const failed = results.filter(({ passed }) => !passed);
 * ```
 */
export function runConformance(
  make: () => AnyPlugin,
  fixtures: ConformanceFixtures = {},
  options: ConformanceOptions = {},
): Promise<ConformanceResult[]> {
  const turns = createTurns(options.atOnce ?? 4);
  const planned = planChecks(createSubject(make, fixtures), options);
  return Promise.all(planned.map((one) => turns(() => resultOf(one))));
}

async function resultOf({ name, title, run }: PlannedCheck): Promise<ConformanceResult> {
  try {
    await run();
    return { name, title, passed: true, message: "", error: undefined };
  } catch (error) {
    return { name, title, passed: false, message: messageOf(error), error };
  }
}
