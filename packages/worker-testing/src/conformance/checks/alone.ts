import { isDeepStrictEqual } from "node:util";
import type { AnyTask } from "@oppulence/worker-core";
import { until } from "../../harness/until.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { onStage, type Stage } from "../stage.ts";
import { assertNoFailures } from "./no-failures.ts";

/** Checks of the plugin by itself. */
export const aloneChecks: readonly Check[] = [
  {
    name: "alone: a job runs once, with the payload as it was added",
    cells: "all",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        const payload = stage.payload();
        const added = await stage.add({}, payload);
        check(
          isDeepStrictEqual(payload, stage.payload()),
          () =>
            `it changed the object that the producer passed to addJob: from ${print(stage.payload())} to ${print(payload)}`,
        );
        await stage.wait(added, "succeeded", "a job that nothing stops should run");
        const [run, ...more] = stage.script.runs;
        check(more.length === 0, () => `the job ran ${more.length + 1} times`);
        if (subject.fixtures.changesPayload !== true) {
          const expected = await parsed(stage.script.taskFor(stage.payload()), stage.payload());
          check(
            isDeepStrictEqual(run?.payload, expected),
            () =>
              `the task got the payload ${print(run?.payload)} instead of ${print(expected)}; if that is meant, say changesPayload`,
          );
        }
        assertNoFailures(stage, "on a job that succeeded");
      }),
  },
  {
    name: "alone: a failure of the task costs the attempt that it is, and nothing else",
    cells: "all",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        stage.script.act = fails;
        const added = await stage.add({ maxAttempts: 3 });
        check(added.status === "added", () => `addJob ${added.status} a job that nothing stops`);
        const record = await ended(stage, added.id);
        check(
          stage.script.runs.length === 1,
          () => `the job ran ${stage.script.runs.length} times`,
        );
        const { attempts = 0, last_error: error } = record ?? {};
        // Gone: the plugin keeps it elsewhere. All attempts gone: it decided so.
        const isRight = record === undefined || attempts === 1 || attempts === 3;
        check(isRight, () => `after one failure of three, ${attempts} attempts are counted`);
        check(
          record === undefined || error?.includes(FAILURE) === true,
          () => `the job's last error is ${print(error)} instead of the task's: ${FAILURE}`,
        );
        assertNoFailures(stage, "on a job that failed");
      }),
  },
  {
    name: "alone: answers for its health, its jobs and its panels",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        const { worker } = stage.harness;
        const { parts } = await worker.health();
        const health = parts[subject.name];
        check(health?.status !== "down", () => `its health is down: ${health?.detail}`);
        const added = await stage.add({ runAt: new Date(Date.now() + 3_600_000) });
        if (added.status === "added") {
          const { plugins } = await worker.explain(added.id);
          const failed = plugins.find(
            ({ plugin, code }) => plugin === subject.name && code === "EXPLAIN_FAILED",
          );
          check(failed === undefined, () => `its explain failed: ${failed?.message}`);
        }
        for (const panel of worker.panels) {
          const rows = await panel.load({ limit: 1 });
          check(
            rows.length <= 1,
            () => `panel ${panel.id} gave ${rows.length} rows, the limit is 1`,
          );
        }
      }),
  },
];

const FAILURE = "the conformance suite fails this job";

async function fails(): Promise<never> {
  throw new Error(FAILURE);
}

/** The job's row once its first attempt has ended; undefined when it has none any more. */
async function ended({ harness, subject }: Stage, id: string) {
  const { engine } = harness.worker;
  await harness.waitFor(id, "started");
  const found = await until(
    async () => {
      const record = await engine.get(id);
      const isBusy = record?.state === "running" || record?.state === "ready";
      return isBusy ? undefined : { job: record?.job };
    },
    { timeoutMs: subject.timeoutMs },
  );
  check(found !== undefined, () => "the job is still locked after its task failed");
  return found.job;
}

async function parsed({ payload: schema }: AnyTask, payload: unknown): Promise<unknown> {
  if (schema === undefined) return payload;
  const result = await schema["~standard"].validate(payload);
  return result.issues ? payload : result.value;
}

function print(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
