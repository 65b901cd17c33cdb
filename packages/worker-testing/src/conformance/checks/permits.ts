import { isDeepStrictEqual } from "node:util";
import { defer, fail, type RunDecision, skip } from "@oppulence/worker-core";
import type { WaitState } from "../../harness/wait-for.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import type { Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { betweenNeighbours } from "./between-neighbours.ts";
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
    cells: "corners",
    applies: runsHook,
    run: (subject, cell) =>
      betweenNeighbours(subject, cell, async (stage, grants) => {
        stage.after.stop = decide;
        const added = await stage.add({ maxAttempts: 2 });
        await stage.wait(added, state, `a later plugin ${how} the job`);
        assertRolledBack(stage, grants());
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

/** The neighbour after the plugin is the one that stops the job: it has granted nothing. */
function assertRolledBack({ log, subject }: Stage, grants: number): void {
  const settled = log.flatMap((line) => /^.+: (?:commit|rollback)/.exec(line)?.[0] ?? []);
  const own = grants === 0 ? [] : [`${subject.name}: rollback`];
  const expected = [...own, "before: rollback"];
  check(
    isDeepStrictEqual(settled, expected),
    () => `permits were settled as [${settled.join(", ")}] instead of [${expected.join(", ")}]`,
  );
}
