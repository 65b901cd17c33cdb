import { definePlugin, defineTask, exhaust, fail, retry } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../src/index.ts";
import { queued, start } from "./start.ts";

const boom = defineTask({
  identifier: "boom",
  run: (payload: unknown) => {
    throw new TypeError(`no card 4242 for ${JSON.stringify(payload)}`, {
      cause: new Error("declined"),
    });
  },
});

/** A task that throws what it is told. */
const throwing = (thrown: () => unknown) =>
  defineTask({
    identifier: "throws",
    run: () => {
      throw thrown();
    },
  });

const once = { maxAttempts: 1 } as const;

describe("dlq", () => {
  it("moves a job whose last attempt failed, with all that is known of it", async () => {
    const harness = await start([boom]);
    const labels = { tenant: "acme", trace: "00-abc" };
    const options = { ...once, priority: 7, queueName: "serial", jobKey: "k", labels };
    const added = await harness.enqueue(boom, { n: 1 }, options);
    await harness.waitFor(added, "gone");
    expect(await queued(harness)).toEqual([]);
    const { entries, next } = await harness.api.list();
    expect(next).toBeUndefined();
    expect(entries).toHaveLength(1);
    const [entry] = entries as [DeadLetter];
    expect(entry).toMatchObject({
      jobId: added.status === "added" ? added.id : "",
      originId: entry.jobId,
      requeueCount: 0,
      state: "dead",
      task: "boom",
      queueName: "serial",
      jobKey: "k",
      priority: 7,
      payload: { n: 1 },
      payloadSize: 7,
      redacted: [],
      labels,
      flags: ["tenant=acme", "trace=00-abc"],
      attempts: 1,
      maxAttempts: 1,
      reason: "attempts_exhausted",
      error: { name: "TypeError", message: 'no card 4242 for {"n":1}' },
      earlierErrors: [],
      trace: "00-abc",
    });
    expect(entry.error.stack).toContain("move.test.ts");
    expect(entry.error.causes).toEqual([{ name: "Error", message: "declined" }]);
    expect(entry.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(entry.worker).toEqual(expect.any(String));
    for (const at of [entry.runAt, entry.createdAt, entry.failedAt, entry.deadAt])
      expect(at).toBeInstanceOf(Date);
    expect(await harness.api.get(entry.id)).toEqual(entry);
  });

  it("leaves the job in the queue while it has attempts, and keeps the errors of earlier ones", async () => {
    let attempt = 0;
    const task = throwing(() => new Error(`attempt ${++attempt}`));
    const soon = definePlugin({
      name: "retry",
      producers: "enforced-at-run",
      setup: () => ({ onFailure: { run: () => retry({ after: 1 }) } }),
    });
    const harness = await start([task], { plugins: [soon] });
    const added = await harness.enqueue(task, {}, { maxAttempts: 3 });
    await harness.waitFor(added, "gone");
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({
      attempts: 3,
      error: { message: "attempt 3" },
      earlierErrors: [
        { attempt: 1, message: "attempt 1" },
        { attempt: 2, message: "attempt 2" },
      ],
    });
  });

  it("frees the named queue, so that its next job runs", async () => {
    const harness = await start([boom]);
    const jobs = [1, 2, 3].map((n) => ({ task: boom, payload: n, queueName: "q", ...once }));
    await harness.worker.addJobs(jobs);
    await harness.drain();
    const { entries } = await harness.api.list();
    expect(entries.map(({ payload }) => payload).sort()).toEqual([1, 2, 3]);
  });

  it("moves many jobs that fail at once", async () => {
    const harness = await start([boom], { worker: { concurrentJobs: 20 } });
    await harness.worker.addJobs(
      Array.from({ length: 200 }, (_, n) => ({ task: boom, payload: n, ...once })),
    );
    await harness.drain();
    const { entries } = await harness.api.list({ limit: 500 });
    expect(new Set(entries.map(({ payload }) => payload)).size).toBe(200);
    expect(new Set(entries.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it("says why: a plugin ended the job, a plugin failed it before it ran, its payload did not fit", async () => {
    const typed = defineTask({
      identifier: "typed",
      payload: z.object({ n: z.number() }),
      run: () => {},
    });
    const refused = defineTask({ identifier: "refused", run: () => {} });
    const ending = definePlugin({
      name: "ending",
      producers: "enforced-at-run",
      setup: () => ({
        beforeRun: {
          phase: "gate",
          onError: "open",
          run: ({ task }) =>
            task.identifier === "refused" ? fail({ code: "TOO_LATE", message: "late" }) : undefined,
        },
        onFailure: {
          run: ({ isLastAttempt }) =>
            isLastAttempt ? undefined : exhaust({ code: "NOT_RETRYABLE", message: "no use" }),
        },
      }),
    });
    const harness = await start([boom, typed, refused], { plugins: [ending] });
    await harness.enqueue(boom, {}, { maxAttempts: 5 });
    await harness.enqueue(refused, {}, { maxAttempts: 5 });
    await harness.enqueueSql("typed", { n: "one" }, { maxAttempts: 5 });
    await harness.drain();
    await harness.api.reconcile();
    const { entries } = await harness.api.list();
    const reasons = Object.fromEntries(entries.map(({ task, reason }) => [task, reason]));
    expect(reasons).toEqual({
      boom: "not_retryable",
      refused: "too_late",
      typed: "invalid_payload",
    });
  });

  it("ends a job after maxRetries, whatever its attempts and other plugins say", async () => {
    let runs = 0;
    const task = defineTask({
      identifier: "capped",
      dlq: { maxRetries: 1 },
      run: () => {
        runs++;
        throw new Error("again");
      },
    });
    const soon = definePlugin({
      name: "retry",
      producers: "enforced-at-run",
      setup: () => ({ onFailure: { run: () => retry({ after: 1 }) } }),
    });
    const harness = await start([task], { plugins: [soon] });
    const added = await harness.enqueue(task);
    await harness.waitFor(added, "gone");
    const { entries } = await harness.api.list();
    expect(runs).toBe(2);
    expect(entries[0]).toMatchObject({ reason: "max_retries", attempts: 2, maxAttempts: 25 });
  });

  it("keeps of a batch only the entries that failed", async () => {
    const batch = defineTask({
      identifier: "batch",
      run: (payload: unknown) =>
        (payload as number[]).map((n) =>
          n % 2 === 0 ? Promise.resolve(n) : Promise.reject(new Error(`odd ${n}`)),
        ),
    });
    const harness = await start([batch]);
    const added = await harness.enqueue(batch, [1, 2, 3, 4], once);
    await harness.waitFor(added, "gone");
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({ payload: [1, 3], payloadSize: 5 });
    expect(entries[0]?.error.causes.map(({ message }) => message)).toEqual(["odd 1", "odd 3"]);
  });

  it("leaves failed jobs in the queue where the policy is off", async () => {
    const task = defineTask({
      identifier: "off",
      dlq: false,
      run: () => {
        throw new Error("x");
      },
    });
    const harness = await start([task, boom]);
    const added = await harness.enqueue(task, {}, once);
    await harness.waitFor(added, "failed");
    expect(await harness.api.reconcile()).toBe(0);
    expect((await harness.api.list()).entries).toEqual([]);
  });

  it("redacts the payload before it is stored", async () => {
    const task = defineTask({
      identifier: "pay",
      dlq: { redact: ["payload.card.number"] },
      run: () => {
        throw new Error("declined");
      },
    });
    const harness = await start([task]);
    await harness.enqueue(task, { card: { number: "4242" }, n: 1 }, once);
    await harness.enqueueSql("pay", { card: { number: "4343" } });
    await harness.drain();
    await harness.sql(
      "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs))",
    );
    await harness.api.reconcile();
    const rows = await harness.sql<{ payload: string }>(
      "select payload::text from oppulence_worker.graphile_worker_dlq order by id",
    );
    expect(rows.map(({ payload }) => payload)).toEqual([
      '{"card":{"number":"[redacted]"},"n":1}',
      '{"card":{"number":"[redacted]"}}',
    ]);
    const { entries } = await harness.api.list();
    expect(entries.map(({ redacted }) => redacted)).toEqual([
      ["payload.card.number"],
      ["payload.card.number"],
    ]);
  });
});

describe("what was thrown", () => {
  const circular = new Error("circular");
  circular.cause = circular;
  const hostile = Object.defineProperty(new Error("kept"), "cause", {
    get() {
      throw new Error("no");
    },
  });
  const cases: readonly (readonly [string, unknown, object])[] = [
    ["no error", "just text", { name: "NonError", message: "just text" }],
    ["nothing", undefined, { name: "NonError", message: "undefined" }],
    ["a getter that throws", hostile, { message: "kept" }],
    ["a circular cause", circular, { message: "circular", causes: [] }],
    ["a NUL byte", new Error("a\0b"), { message: "a\\0b" }],
    ["half of a character", new Error("a\ud800b"), { message: "a\\ud800b" }],
    [
      "a huge message",
      new Error("x".repeat(5_000_000)),
      { message: expect.stringMatching(/^x{7999}…$/) },
    ],
  ];

  it("is stored, escaped, whatever it is, and no job is in the way of another", async () => {
    const task = defineTask({
      identifier: "throws",
      run: (payload: unknown) => {
        const [, thrown] = cases.find(([name]) => name === payload) ?? [];
        throw thrown;
      },
    });
    const harness = await start([task]);
    await harness.worker.addJobs(cases.map(([name]) => ({ task, payload: name, ...once })));
    await harness.drain();
    const { entries } = await harness.api.list();
    const errors = Object.fromEntries(entries.map(({ payload, error }) => [payload, error]));
    expect(errors).toMatchObject(Object.fromEntries(cases.map(([name, , error]) => [name, error])));
    expect(entries).toHaveLength(cases.length);
  });

  it("is stored with a payload of 10 MB, to the letter", async () => {
    const task = throwing(() => new Error("too big"));
    const harness = await start([task]);
    const text = `\u0000${"é".repeat(5_000_000)}`;
    const added = await harness.enqueue(task, { text }, once);
    await harness.waitFor(added, "gone", { timeout: "20s" });
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({ payload: undefined, payloadSize: 10_000_017 });
    const whole = await harness.api.get(entries[0]?.id ?? "");
    expect(JSON.stringify(whole?.payload) === JSON.stringify({ text })).toBe(true);
  });
});

describe("moveToDeadLetter", () => {
  it("moves a job that waits, by its id, once", async () => {
    const harness = await start([boom]);
    const added = await harness.enqueue(
      boom,
      { n: 1 },
      { runAt: new Date(Date.now() + 3_600_000) },
    );
    const id = added.status === "added" ? added.id : "";
    const error = new RangeError("poison");
    const moved = await harness.api.moveToDeadLetter(id, { reason: "crash_loop", error });
    expect(await harness.api.get(moved ?? "")).toMatchObject({
      jobId: id,
      reason: "crash_loop",
      error: { name: "RangeError", message: "poison" },
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(await harness.api.moveToDeadLetter(id)).toBeUndefined();
    expect(await queued(harness)).toEqual([]);
  });

  it("moves a claimed job of a pool that is gone, and frees its queue", async () => {
    const release = Promise.withResolvers<void>();
    const stuck = defineTask({ identifier: "stuck", run: () => release.promise });
    const harness = await start([stuck]);
    const added = await harness.enqueue(stuck, {}, { queueName: "q" });
    await harness.waitFor(added, "started");
    const [record] = await harness.worker.engine.peek({ tasks: ["stuck"] });
    const job = record?.job as NonNullable<typeof record>["job"];
    const moved = await harness.api.moveToDeadLetter(job, { reason: "CRASH_LOOP" });
    expect(await harness.api.get(moved ?? "")).toMatchObject({
      reason: "crash_loop",
      queueName: "q",
      worker: job.locked_by,
      error: { message: "no error was recorded" },
    });
    const [queue] = await harness.worker.engine.lockOwners();
    expect(queue).toBeUndefined();
    release.resolve();
  });

  it("stands or falls with the caller's transaction", async () => {
    const harness = await start([boom]);
    const added = await harness.enqueue(boom, {}, { runAt: new Date(Date.now() + 3_600_000) });
    const id = added.status === "added" ? added.id : "";
    const rolledBack = harness.worker.transaction(async (query) => {
      expect(await harness.api.moveToDeadLetter(id, { query })).toEqual(expect.any(String));
      throw new Error("roll back");
    });
    await expect(rolledBack).rejects.toThrow("roll back");
    expect(await queued(harness)).toHaveLength(1);
    expect((await harness.api.list()).entries).toEqual([]);
  });

  it.each([
    ["x1", {}, 'expected an id, a whole number as text, got "x1"'],
    ["1", { reason: "no good" }, "expected up to 64 characters"],
  ])("refuses %j with %j", async (id, options, message) => {
    const harness = await start([boom]);
    await expect(harness.api.moveToDeadLetter(id, options)).rejects.toThrow(message);
  });
});
