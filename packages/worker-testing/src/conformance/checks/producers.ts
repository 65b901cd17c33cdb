import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { fateOf } from "../fate.ts";
import type { Producer } from "../producers.ts";
import { PRODUCERS } from "../producers.ts";
import { onStage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { assertNoFailures } from "./no-failures.ts";

/** Checks of the plugin's declaration of what happens to jobs that are not added by `addJob`. */
export const producerChecks: readonly Check[] = [
  // The first one is how every other check adds its jobs.
  ...PRODUCERS.slice(1).map(runs),
  ...PRODUCERS.map(isTreatedAsDeclared),
  {
    name: "producers: entries of a batch that fail are tried again by themselves",
    cells: "corners",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        const { script, harness } = stage;
        script.act = (payload) => {
          const isFirst = script.runs.length === 1;
          return (payload as unknown[]).map(async (_entry, index) => {
            if (isFirst && index === 1) throw new Error("this entry fails once");
          });
        };
        const added = await stage.add({}, [stage.payload(), stage.payload(), stage.payload()]);
        check(added.status === "added", () => `addJob ${added.status} a job that nothing stops`);
        await harness.waitFor(added.id, "started");
        await harness.drain();
        const record = await harness.worker.engine.get(added.id);
        // The plugin may leave failed jobs no further attempt, or keep them elsewhere.
        if (record?.state !== "scheduled") return;
        const left = record.job.payload as readonly unknown[];
        check(
          left.length === 1,
          () => `one of three entries failed; ${left.length} are left to be tried again`,
        );
        await stage.bringForward();
        await stage.wait(added, "gone", "the entry that is left should run");
        const lengths = script.runs.map(({ payload }) => (payload as unknown[]).length);
        check(lengths.join() === "3,1", () => `the runs had ${lengths.join(", ")} entries`);
        assertNoFailures(stage, "on a batch");
      }),
  },
];

function runs(producer: Producer): Check {
  return {
    name: `producers: a job added by ${producer.name} runs once`,
    cells: "corners",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        const added = await producer.add(stage);
        const fate = await fateOf(stage, added);
        check(fate?.kind === "ran", () => `nothing stops the job, and yet ${describe(fate)}`);
        await stage.harness.drain();
        const { length } = stage.script.runs;
        check(length === 1, () => `the job ran ${length} times`);
        assertNoFailures(stage, `on a job added by ${producer.name}`);
      }),
  };
}

function isTreatedAsDeclared(producer: Producer): Check {
  return {
    name: `producers: a job added by ${producer.name} is stopped, or not, as declared`,
    cells: "corners",
    applies: ({ fixtures }) => fixtures.stops !== undefined,
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        await subject.fixtures.stops?.setup(stage.context);
        const added = await producer.add(stage);
        const fate = await fateOf(stage, added);
        const problem = producer.isCore
          ? coreProblem(subject, fate)
          : declaredProblem(subject, fate);
        check(problem === undefined, () => `${problem}, and yet ${describe(fate)}`);
      }),
  };
}

type AnyFate = Awaited<ReturnType<typeof fateOf>>;

function coreProblem({ fixtures }: Subject, fate: AnyFate): string | undefined {
  const expect = fixtures.stops?.expect;
  return fate?.kind === expect ? undefined : `the fixture says that the plugin would ${expect} it`;
}

/** What contradicts the declaration, as the first half of a sentence. */
function declaredProblem(
  { fixtures: { stops }, plugin }: Subject,
  fate: AnyFate,
): string | undefined {
  switch (plugin?.producers) {
    case undefined:
      return undefined;
    case "not-covered":
      return fate?.kind === "ran" ? undefined : "the plugin declares not-covered";
    case "enforced-in-sql": {
      const isStopped = fate !== undefined && fate.kind !== "ran";
      return isStopped ? undefined : "the plugin declares enforced-in-sql";
    }
    case "enforced-at-run": {
      const atRun = ["defer", "skip", "fail"];
      const isDecidedAtRun = stops !== undefined && atRun.includes(stops.expect);
      const expected = stops?.atRun ?? (isDecidedAtRun ? stops.expect : undefined);
      const allowed = expected === undefined ? atRun : [expected];
      if (fate !== undefined && allowed.includes(fate.kind)) return undefined;
      return `the plugin declares enforced-at-run, so it should ${allowed.join(" or ")} it`;
    }
  }
}

function describe(fate: AnyFate): string {
  if (fate === undefined) return "nothing became of it in time";
  const { kind, reason } = fate;
  const why = reason === undefined ? "" : ` (${reason.plugin}, ${reason.code}: ${reason.message})`;
  switch (kind) {
    case "ran":
      return "it ran";
    case "absent":
      return "it never came into the queue";
    case "defer":
      return `it was deferred${why}`;
    case "skip":
      return `it was skipped${why}`;
    case "fail":
      return `it failed for good${why}`;
    case "drop":
      return `it was dropped${why}`;
    case "reject":
      return `it was rejected${why}`;
  }
}
