import { isDeepStrictEqual } from "node:util";
import { defer, fail, type RunDecision, skip } from "@oppulence/worker-core";
import type { Tap } from "../../faults/tap-plugin.ts";
import type { WaitState } from "../../harness/wait-for.ts";
import type { Cell } from "../cells.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { assertNoLeaks } from "./leaks.ts";
import { assertNoFailures } from "./no-failures.ts";

const REASON = { code: "CONFORMANCE", message: "the conformance suite stops this job" };
const runsHook = ({ hooks }: Subject) => hooks.beforeRun !== undefined;

/** Checks of what becomes of a permit that the plugin grants. */
export const permitChecks: readonly Check[] = [
  rolledBack("defers", "scheduled", () => defer({ after: "1h" }, REASON)),
  rolledBack("skips", "gone", () => skip(REASON)),
  rolledBack("fails", "failed", () => fail(REASON)),
];

/** A later plugin stops the job: the permit goes back, and what it stood for can be had again. */
function rolledBack(how: string, state: WaitState, decide: () => RunDecision): Check {
  return {
    name: `permits: rolled back once, before those granted earlier, when a later plugin ${how} the job`,
    everyCell: true,
    applies: runsHook,
    run: (subject, cell) =>
      withPermits(subject, cell, async (stage, grants) => {
        stage.after.stop = decide;
        const added = await stage.add({ maxAttempts: 2 });
        await stage.wait(added, state, `a later plugin ${how} the job`);
        assertSettled(stage, "rollback", grants());
        await assertNoLeaks(stage, `after a job that a later plugin ${how}`);
        stage.after.stop = undefined;
        const next = how === "defers" ? added : await stage.add();
        await stage.bringForward();
        const what = "what the plugin took for a job that was stopped should be free for the next";
        await stage.wait(next, "succeeded", what);
        assertNoFailures(stage, "after a rollback");
      }),
  };
}

/** Between two neighbours, with a line in the log for every grant and settlement of the plugin's own permits. */
function withPermits(
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

/** The neighbour after the plugin grants its permit last, unless it is the one that stops the job. */
function assertSettled({ log, subject }: Stage, end: "commit" | "rollback", grants: number): void {
  const settled = log.flatMap((line) => /^.+: (?:commit|rollback)/.exec(line)?.[0] ?? []);
  const own = grants === 0 ? [] : [`${subject.name}: ${end}`];
  const expected =
    end === "commit" ? [`after: ${end}`, ...own, `before: ${end}`] : [...own, `before: ${end}`];
  check(
    isDeepStrictEqual(settled, expected),
    () => `permits were settled as [${settled.join(", ")}] instead of [${expected.join(", ")}]`,
  );
}
