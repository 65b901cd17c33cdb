import { describe, expect, it } from "vitest";
import { defineTask, type RunDecision, type RunInput, skip } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

type Batch = (
  inputs: readonly RunInput[],
) => readonly (RunDecision | undefined)[] | Promise<readonly (RunDecision | undefined)[]>;

const CONCURRENCY = 20;
const n = ({ payload }: { payload: unknown }) => (payload as { n: number }).n;

/** A busy worker whose one hook has the batch form; jobs carry their number. */
async function batching(count: number, batch: Batch, timeout: number | undefined = undefined) {
  const ran: number[] = [];
  const started = await testWorker({
    tasks: [defineTask({ identifier: "t", run: (payload) => void ran.push(n({ payload })) })],
    plugins: [
      plugin("batch", {
        beforeRun: { phase: "gate", onError: "open", ...(timeout ? { timeout } : {}), batch },
      }),
    ],
    worker: { concurrentJobs: CONCURRENCY, localQueue: { size: 100 } },
  });
  const errors = eventsOf(started.worker.events, "plugin:error");
  await started.worker.addJobs(
    Array.from({ length: count }, (_, index) => ({ task: "t", payload: { n: index } })),
  );
  await started.worker.start();
  return { ...started, ran, errors };
}

describe("a beforeRun hook of the batch form", () => {
  it("is called for all jobs of a tick at once", async () => {
    const sizes: number[] = [];
    const { jobs, ran, errors } = await batching(100, async (inputs) => {
      sizes.push(inputs.length);
      return inputs.map(() => undefined);
    });
    await until(async () => (await jobs()).length === 0, "all jobs are done");
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100);
    expect(Math.max(...sizes)).toBe(CONCURRENCY);
    expect(sizes.length).toBeLessThan(50);
    expect(ran).toHaveLength(100);
    expect(errors).toEqual([]);
  });

  it("decides for each job on its own, in order", async () => {
    const { jobs, ran } = await batching(40, (inputs) =>
      inputs.map((input) =>
        n(input) % 2 === 0 ? skip({ code: "EVEN", message: "even" }) : undefined,
      ),
    );
    await until(async () => (await jobs()).length === 0, "all jobs are done");
    expect(ran.sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => 2 * index + 1),
    );
  });

  it("fails for all its jobs when it gives the wrong number of decisions, or none", async () => {
    const answers: unknown[] = [[], undefined];
    const { jobs, ran, errors } = await batching(40, () => (answers.shift() ?? {}) as never);
    await until(async () => (await jobs()).length === 0, "all jobs are done");
    expect(ran).toHaveLength(40);
    expect(errors).toHaveLength(40);
    const messages = errors.map(({ error }) => (error as Error).message);
    expect(messages[0]).toBe(
      `plugin batch, beforeRun: batch got ${CONCURRENCY} jobs and returned 0 decisions; it returns one decision a job, in order`,
    );
    expect(messages.at(-1)).toContain("returned object;");
  });

  // One call that never ended held up all later ones: their jobs waited for the timeout, each.
  it("holds up no other jobs when one call never ends", async () => {
    let calls = 0;
    const { worker, jobs, ran, errors } = await batching(
      1,
      (inputs) => (++calls === 1 ? new Promise(() => {}) : inputs.map(() => undefined)),
      50,
    );
    await until(() => ran.length === 1, "the first job ran without the hook");
    expect(errors).toHaveLength(1);
    await worker.addJob("t", { n: 1 });
    await until(async () => (await jobs()).length === 0, "the second job is done");
    expect(calls).toBe(2);
    expect(errors).toHaveLength(1);
  });
});
