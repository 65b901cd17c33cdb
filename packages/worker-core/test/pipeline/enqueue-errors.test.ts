import { describe, expect, it } from "vitest";
import {
  type AnyPlugin,
  type BeforeEnqueueHook,
  defineTask,
  type EnqueueDecision,
  isJobRejectedError,
  type OnError,
  reject,
} from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { entry, plugin } from "../support/plugins.ts";
import { errorOf } from "../support/results.ts";
import { testWorker } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });
const never = new Promise<undefined>(() => {});
const kinds = 'it is one of "continue", "drop", "reject", or undefined';
const wrong = (decision: unknown) => () => decision as EnqueueDecision;

/** What a hook can do wrong, and what is said of it. */
const faults: [string, () => any, string][] = [
  [
    "throws",
    () => {
      throw new Error("no luck");
    },
    "no luck",
  ],
  ["rejects", () => Promise.reject(new Error("gone")), "gone"],
  ["hangs", () => never, "plugin p, beforeEnqueue: did not settle within 50 ms"],
  ["decides something unknown", wrong({ kind: "skip" }), `a decision of kind "skip"; ${kinds}`],
  ["decides null", async () => null, `returned a decision of null; ${kinds}`],
];

const producer = (plugins: readonly AnyPlugin[]) => testWorker({ tasks: [task], plugins });
const faulty = (fault: () => any, onError: OnError) =>
  producer([plugin("p", { beforeEnqueue: entry(fault, { onError, timeout: 50 }) })]);

describe("beforeEnqueue, reject", () => {
  it("refuses the job, and nothing of its batch is added", async () => {
    const cause = new Error("no such tenant");
    const { worker, jobs } = await producer([
      plugin("tenancy", {
        beforeEnqueue: entry(async ({ spec }) =>
          spec.payload === 2
            ? reject({ code: "NO_TENANT", message: "tenant acme is unknown" }, cause)
            : undefined,
        ),
      }),
    ]);
    const rejected = eventsOf(worker.events, "job:rejected");
    const one = await errorOf(worker.addJob(task, 2));
    expect(isJobRejectedError(one)).toBe(true);
    expect(one).toMatchObject({
      name: "JobRejectedError",
      code: "JOB_REJECTED",
      reason: { plugin: "tenancy", code: "NO_TENANT", message: "tenant acme is unknown" },
      cause,
      message: "plugin tenancy rejected the job: tenant acme is unknown (NO_TENANT)",
    });
    const many = await errorOf(worker.addJobs([1, 2, 3].map((payload) => ({ task, payload }))));
    expect(many.message).toBe(`jobs[1]: ${one.message}`);
    expect(await jobs()).toEqual([]);
    expect(rejected.map(({ spec }) => spec.payload)).toEqual([2, 2]);
  });
});

describe("a beforeEnqueue hook that fails", () => {
  it.each(faults)("is passed over when it is open on errors and %s", async (_, fault, problem) => {
    const { worker, jobs, logs } = await faulty(fault, "open");
    const errors = eventsOf(worker.events, "plugin:error");
    const results = await worker.addJobs([1, 2].map((payload) => ({ task, payload })));
    expect(results.map(({ status }) => status)).toEqual(["added", "added"]);
    expect(await jobs()).toHaveLength(2);
    expect(errors).toHaveLength(2);
    expect(errors[0]).toMatchObject({
      plugin: "p",
      hook: "beforeEnqueue",
      error: { message: expect.stringContaining(problem) },
    });
    expect(logs).toContainEqual({
      level: "error",
      message: expect.stringContaining("plugin p, beforeEnqueue failed: "),
    });
  });

  it.each(faults)(
    "rejects the job when it is closed on errors and %s",
    async (_, fault, problem) => {
      const { worker, jobs } = await faulty(fault, "closed");
      const error = await errorOf(worker.addJob(task, {}));
      expect(error).toMatchObject({
        code: "JOB_REJECTED",
        reason: { plugin: "p", code: "HOOK_FAILED" },
      });
      expect(error.message).toMatch(
        /^plugin p rejected the job: its beforeEnqueue hook failed and is closed on errors: /,
      );
      expect(error.message).toContain(problem);
      expect(error.cause.message).toContain(problem);
      expect(await jobs()).toEqual([]);
    },
  );

  // A rejection that nobody had listened to yet ended the process.
  it("is heard for every job of a batch, when it throws for one and rejects for another", async () => {
    const { worker, jobs } = await producer([
      plugin("p", {
        beforeEnqueue: entry(
          ({ spec }) => {
            if (spec.payload === 2) throw new Error("second");
            return new Promise((_, fail) => setImmediate(() => fail(new Error("first"))));
          },
          { onError: "closed" },
        ),
      }),
    ]);
    const error = await errorOf(worker.addJobs([1, 2, 3].map((payload) => ({ task, payload }))));
    expect(error.message).toContain("jobs[0]: ");
    expect(error.message).toContain("first");
    // Time for a rejection without a listener to be noticed.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await jobs()).toEqual([]);
  });
});

describe("a beforeEnqueue hook of the batch form", () => {
  const batching = (
    batch: (inputs: readonly any[]) => any,
    more: Partial<BeforeEnqueueHook> = {},
  ) =>
    producer([
      plugin("p", {
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          timeout: 50,
          ...more,
          run: undefined,
          batch,
        } as BeforeEnqueueHook,
      }),
    ]);

  it("is called once for an addJobs, with the jobs it applies to, and decides for each", async () => {
    const calls: unknown[][] = [];
    const { worker, jobs } = await batching(async (inputs) => {
      calls.push(inputs.map(({ spec }) => spec.payload));
      return inputs.map(({ spec }) =>
        spec.payload === 2 ? { kind: "drop", reason: { code: "X", message: "x" } } : undefined,
      );
    });
    const results = await worker.addJobs([1, 2, 3].map((payload) => ({ task, payload })));
    expect(results.map(({ status }) => status)).toEqual(["added", "dropped", "added"]);
    await worker.addJob(task, 4);
    expect(calls).toEqual([[1, 2, 3], [4]]);
    expect((await jobs()).map(({ payload }) => payload)).toEqual([1, 3, 4]);
  });

  it("is not called where it applies to no job", async () => {
    const { worker } = await batching(
      () => {
        throw new Error("called");
      },
      { appliesTo: () => false },
    );
    await worker.addJobs([{ task, payload: 1 }]);
    await worker.addJob(task, 2);
  });

  it.each<[string, () => any, string]>([
    [
      "too few decisions",
      () => [],
      "batch got 2 jobs and returned 0 decisions; it returns one decision a job, in order",
    ],
    ["none", async () => undefined, "batch got 2 jobs and returned undefined;"],
    ["no end", () => never, "did not settle within 50 ms"],
  ])("fails for all its jobs with %s", async (_, batch, problem) => {
    const closed = await batching(batch);
    const error = await errorOf(
      closed.worker.addJobs([1, 2].map((payload) => ({ task, payload }))),
    );
    expect(error).toMatchObject({
      code: "JOB_REJECTED",
      message: expect.stringContaining(problem),
    });
    expect(error.message).toMatch(/^jobs\[0\]: /);
    expect(await closed.jobs()).toEqual([]);

    const open = await batching(batch, { onError: "open" });
    await open.worker.addJobs([1, 2].map((payload) => ({ task, payload })));
    expect(await open.jobs()).toHaveLength(2);
  });
});
