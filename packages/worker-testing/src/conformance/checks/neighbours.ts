import { isDeepStrictEqual } from "node:util";
import type { FailureInput, HookName, Job } from "@oppulence/worker-core";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import type { Neighbour } from "../neighbour.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { betweenNeighbours } from "./between-neighbours.ts";
import { assertNoLeaks } from "./leaks.ts";

/** Checks of the plugin between two others that use every hook. */
export const neighbourChecks: readonly Check[] = [
  {
    name: "neighbours: hooks and permits run once each, in order, when the job succeeds",
    cells: "all",
    run: (subject, cell) =>
      betweenNeighbours(subject, cell, async (stage, grants) => {
        const added = await stage.add();
        await stage.wait(added, "succeeded", "a job should run between two other plugins too");
        assertSaid(stage, [
          "before: beforeEnqueue",
          "after: beforeEnqueue",
          "before: beforeRun",
          "after: beforeRun",
          "after: afterRun",
          "before: afterRun",
          "after: commit succeeded",
          ...own(subject, grants()),
          "before: commit succeeded",
        ]);
        await assertNoLeaks(stage, "after a job that succeeded");
      }),
  },
  {
    name: "neighbours: hooks and permits run once each, in order, when the job fails",
    cells: "all",
    run: (subject, cell) =>
      betweenNeighbours(subject, cell, async (stage, grants) => {
        stage.script.act = fails;
        const added = await stage.add({ maxAttempts: 1 });
        check(added.status === "added", () => `addJob ${added.status} a job that nothing stops`);
        await stage.harness.waitFor(added.id, "started");
        await stage.harness.drain();
        assertSaid(stage, [
          "before: beforeEnqueue",
          "after: beforeEnqueue",
          "before: beforeRun",
          "after: beforeRun",
          "after: onFailure",
          "before: onFailure",
          "after: commit failed",
          ...own(subject, grants()),
          "before: commit failed",
        ]);
        await assertNoLeaks(stage, "after a job that failed");
      }),
  },
  {
    name: "neighbours: the job's row is left to the core",
    cells: "corners",
    run: (subject, cell) =>
      onStage(subject, { cell, neighbours: true }, async (stage) => {
        const problems: string[] = [];
        // These come right after the plugin's own hooks.
        stage.after.watch = watchRow(stage, ["beforeRun"], problems);
        stage.before.watch = watchRow(stage, ["afterRun", "onFailure"], problems);
        for (const act of [stage.script.act, fails]) {
          stage.script.act = act;
          const added = await stage.add({ maxAttempts: 1 });
          check(added.status === "added", () => `addJob ${added.status} a job that nothing stops`);
          await stage.harness.waitFor(added.id, "started");
          await stage.harness.drain();
        }
        check(problems.length === 0, () => problems.join("; "));
      }),
  },
];

function own({ name }: Subject, grants: number): string[] {
  return grants === 0 ? [] : [`${name}: commit`];
}

async function fails(): Promise<never> {
  throw new Error("the conformance suite fails this job");
}

function assertSaid({ log }: Stage, expected: readonly string[]): void {
  const said = log.filter((line) => !/: (?:start|stop)$/.test(line));
  check(
    isDeepStrictEqual(said, expected),
    () =>
      `hooks and permits were called as [${said.join(", ")}] instead of [${expected.join(", ")}]`,
  );
}

/** Looks at the row in the database after a hook of the plugin. */
function watchRow(
  { harness, subject }: Stage,
  hooks: readonly HookName[],
  problems: string[],
): Neighbour["watch"] {
  const look = async (hook: HookName, { job, decision }: FailureInput): Promise<undefined> => {
    if (decision?.kind === "taken") return;
    const record = await harness.worker.engine.get(job.id);
    const changed = changeOf(record?.job, job);
    if (changed === undefined) return;
    problems.push(
      `after the ${hook} hook of ${subject.name} ${changed}; a hook decides, and the core acts on the row`,
    );
  };
  return (hook, input) => (hooks.includes(hook) ? look(hook, input as FailureInput) : undefined);
}

function changeOf(row: Job | undefined, claimed: Job): string | undefined {
  if (row === undefined) return "the job's row was gone";
  if (row.locked_by !== claimed.locked_by) {
    return `the job's row was locked by ${row.locked_by ?? "nobody"} instead of ${claimed.locked_by}`;
  }
  if (row.attempts === claimed.attempts) return undefined;
  return `the job's row had ${row.attempts} attempts instead of ${claimed.attempts}`;
}
