import { checkInvariants } from "../../invariants/check-invariants.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { type Fate, fateOf } from "../fate.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { assertNoFailures } from "./no-failures.ts";

const QUEUE_INVARIANTS = [
  "no-queue-locked-without-job",
  "no-job-locked-without-queue",
  "no-lock-of-unknown-pool",
  "no-half-set-lock",
];
const CODE = /^[A-Z][A-Z0-9_]*$/;

const stops = ({ fixtures }: Subject) => fixtures.stops !== undefined;
const defers = ({ fixtures }: Subject) => fixtures.stops?.expect === "defer";

/** Checks of how the plugin stops a job. */
export const stopChecks: readonly Check[] = [
  {
    name: "stops: by a decision that says why, not by throwing",
    cells: "all",
    applies: stops,
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        const fate = await stop(stage);
        assertNoFailures(stage, "where it should have returned a decision");
        const { reason } = fate;
        check(
          reason !== undefined || fate.kind !== "defer",
          () => "nobody was told that the job was deferred: did the plugin move the row itself?",
        );
        if (fate.kind !== "fail") assertReason(subject, reason);
        await assertExplained(stage, fate);
      }),
  },
  {
    name: "stops: a deferral costs no attempt, not even the last one",
    cells: "all",
    applies: defers,
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        await stop(stage, { maxAttempts: 1 });
        const [record] = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
        check(record !== undefined, () => "the job's row is gone after its deferral");
        const { attempts } = record.job;
        check(
          attempts === 0,
          () => `the job had made no attempt; after its deferral ${attempts} of 1 are counted`,
        );
        await letGo(stage);
      }),
  },
  {
    name: "stops: a deferral frees the job's named queue",
    cells: "all",
    applies: defers,
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        await stop(stage, { queueName: "conformance" });
        const violations = await checkInvariants(stage.harness.sql, { only: QUEUE_INVARIANTS });
        check(
          violations.length === 0,
          () =>
            `after the deferral ${violations.map(({ name, rows }) => `${name}: ${JSON.stringify(rows)}`).join("; ")}`,
        );
        await letGo(stage);
      }),
  },
];

async function stop(stage: Stage, options: Parameters<Stage["add"]>[0] = {}): Promise<Fate> {
  const { stops: scenario } = stage.subject.fixtures;
  await scenario?.setup(stage.context);
  const fate = await fateOf(stage, await stage.add(options));
  const [row] = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
  check(
    fate?.kind === scenario?.expect,
    () =>
      `the plugin should ${scenario?.expect} the job; ${fate === undefined ? `in ${stage.subject.timeoutMs} ms it decided nothing, and the job is ${row?.state}` : `what it did was: ${fate.kind}`}`,
  );
  return fate as Fate;
}

/** Ends the situation: the job has to run, at once when it is due. */
async function letGo(stage: Stage): Promise<void> {
  const { stops: scenario } = stage.subject.fixtures;
  if (scenario?.release === undefined) return;
  // Before it is let go: it may run, and be gone, at once.
  const [row] = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
  await scenario.release(stage.context);
  await stage.bringForward();
  const added = { status: "added", id: row?.job.id ?? "0" } as const;
  await stage.wait(added, "succeeded", "the deferred job should run once it is let go");
}

function assertReason({ name, fixtures }: Subject, reason: Fate["reason"]): void {
  const { plugin, code = "", message = "" } = reason ?? {};
  check(plugin === name, () => `the reason is by ${plugin ?? "nobody"} instead of ${name}`);
  check(
    CODE.test(code),
    () => `the reason's code is ${JSON.stringify(code)}; it is upper snake case`,
  );
  check(message.length > 0, () => "the reason has no message; it says what is waited for");
  const expected = fixtures.stops?.code;
  check(
    expected === undefined || code === expected,
    () => `the reason's code is ${code} instead of ${expected}`,
  );
}

/** Whoever asks why a job does not run must be told. */
async function assertExplained({ harness, subject, context }: Stage, fate: Fate): Promise<void> {
  if (fate.kind !== "defer") return;
  const [row] = await harness.worker.engine.peek({ tasks: [context.task] });
  if (row === undefined) return;
  const { note, plugins } = await harness.worker.explain(row.job.id);
  const isTold =
    note?.plugin === subject.name || plugins.some(({ plugin }) => plugin === subject.name);
  check(isTold, () => `explain does not say that ${subject.name} holds the job back`);
}
