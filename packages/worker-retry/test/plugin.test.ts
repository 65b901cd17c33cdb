import {
  createWorker,
  definePlugin,
  defineTask,
  isConfigurationError,
  isJobRejectedError,
  type Reason,
} from "@oppulence/worker-core";
import { createFakeClock, createHarness } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { NonRetryableError, RetryAfterError, retries } from "../src/index.ts";
import { startWorker } from "./start-worker.ts";

const failing = (error: () => unknown, retry?: Parameters<typeof retries>[0]) =>
  defineTask({
    identifier: "work",
    ...(retry && { retry }),
    run: () => {
      throw error();
    },
  });

const boom = () => new Error("boom");

describe("retries", () => {
  it("has a failed job wait for as long as its task's back-off says", async () => {
    const task = failing(boom, { backoff: ["10m", "20m"] });
    const { enqueue, waitFor, worker } = await startWorker([task]);
    const added = await enqueue(task, {});
    const { job, state, plugins } = await waitFor(added, "retrying");
    const waitMs = (job?.run_at.getTime() ?? 0) - (job?.updated_at.getTime() ?? 0);
    expect(Math.abs(waitMs - 600_000)).toBeLessThan(1_000);
    expect(state).toBe("scheduled");
    expect(plugins).toContainEqual(
      expect.objectContaining({
        plugin: "retry",
        code: "WAITS_FOR_RETRY",
        message: expect.stringMatching(/^waits for attempt 2 of 25 until .*, after: boom$/),
        blocking: false,
      }),
    );
    expect(await worker.health()).toMatchObject({ status: "ok" });
  });

  it("gives a job its task's attempts, unless the job says", async () => {
    const task = failing(boom, { maxAttempts: 3, backoff: { type: "fixed", delay: "1h" } });
    const { enqueue, waitFor } = await startWorker([task], { retry: { maxAttempts: 7 } });
    const silent = await waitFor(await enqueue(task, {}), "retrying");
    const said = await waitFor(await enqueue(task, {}, { maxAttempts: 2 }), "retrying");
    expect(silent.job?.max_attempts).toBe(3);
    expect(said.job?.max_attempts).toBe(2);
  });

  it("runs a job as often as its task allows, and no more", async () => {
    const task = failing(boom, { maxAttempts: 3, backoff: [0] });
    const { enqueue, waitFor, history } = await startWorker([task]);
    const { job, note } = await waitFor(await enqueue(task, {}), "failed");
    expect(job).toMatchObject({ attempts: 3, max_attempts: 3, last_error: "boom" });
    expect(note).toBeUndefined();
    expect(history.filter(({ name }) => name === "job:started")).toHaveLength(3);
  });

  it("holds jobs of SQL to attempts and back-off of their task", async () => {
    const task = failing(boom, { maxAttempts: 2, backoff: [0] });
    const { enqueueSql, waitFor, history } = await startWorker([task]);
    const id = (await enqueueSql("work", {})) as string;
    const { job, note } = await waitFor(id, "failed");
    expect(job).toMatchObject({ attempts: 25, max_attempts: 25, last_error: "boom" });
    expect(note).toMatchObject({
      plugin: "retry",
      code: "ATTEMPTS_EXHAUSTED",
      message: "attempt 2 of 2 failed: boom",
    });
    expect(history.filter(({ name }) => name === "job:started")).toHaveLength(2);
  });

  it("leaves a job of SQL the attempts that it says", async () => {
    const task = failing(boom, { maxAttempts: 2, backoff: [0] });
    const { enqueueSql, waitFor, history } = await startWorker([task]);
    const id = (await enqueueSql("work", {}, { maxAttempts: 4 })) as string;
    await waitFor(id, "failed");
    expect(history.filter(({ name }) => name === "job:started")).toHaveLength(4);
  });

  it("gives a job no more attempts after an error that is not worth them, and says why", async () => {
    const no = (identifier: string, error: unknown, retry = {}) =>
      defineTask({
        identifier,
        retry,
        run: () => {
          throw error;
        },
      });
    const wrapped = new Error("no", { cause: new NonRetryableError("inner") });
    const tasks = {
      NOT_RETRYABLE: [
        no("itself", new NonRetryableError("no")),
        no("its cause", wrapped),
        no("another copy of the package", { code: "NOT_RETRYABLE", message: "no" }),
      ],
      NOT_WORTH_RETRYING: [
        no("giveUpOn", new TypeError("no"), { giveUpOn: ["TypeError"] }),
        no("retryOn", new Error("no"), { retryOn: ["ECONNRESET"] }),
      ],
    };
    const { enqueue, waitFor } = await startWorker(Object.values(tasks).flat());
    for (const [code, each] of Object.entries(tasks)) {
      for (const task of each) {
        const { job, note } = await waitFor(await enqueue(task, {}), "failed");
        expect(job?.last_error).toBe("no");
        expect(note).toMatchObject({ plugin: "retry", code, message: "no" });
      }
    }
  });

  it("tries again when a RetryAfterError says", async () => {
    const at = new Date(Date.now() + 3_600_000);
    const task = failing(() => new RetryAfterError("closed", { at }));
    const { enqueue, waitFor } = await startWorker([task]);
    const { job } = await waitFor(await enqueue(task, {}), "retrying");
    expect(job?.run_at).toEqual(at);
  });

  it("tries again when an HTTP answer says", async () => {
    const error = () =>
      Object.assign(new Error("429"), { response: { headers: { "Retry-After": "7200" } } });
    const task = failing(error, { httpRetryAfter: true });
    const { enqueue, waitFor } = await startWorker([task], { retry: { maxRetryAfter: "1h" } });
    const { job } = await waitFor(await enqueue(task, {}), "retrying");
    const waitMs = (job?.run_at.getTime() ?? 0) - (job?.updated_at.getTime() ?? 0);
    expect(Math.abs(waitMs - 3_600_000)).toBeLessThan(1_000);
  });

  it("goes on with the default back-off, and says so, when the task's own fails", async () => {
    const backoff = () => {
      throw new Error("bug");
    };
    const task = failing(boom, { backoff });
    const { enqueue, waitFor, logs } = await startWorker([task], { retry: { random: () => 0.5 } });
    const { job } = await waitFor(await enqueue(task, {}), "retrying");
    const waitMs = (job?.run_at.getTime() ?? 0) - (job?.updated_at.getTime() ?? 0);
    expect(Math.abs(waitMs - 750)).toBeLessThan(700);
    expect(logs.map(({ message }) => message)).toContain(
      "task work: backoff failed; the default back-off holds",
    );
  });
});

describe("retries beside a plugin that acts on last attempts", () => {
  it.each([["behind it"], ["before it"]])("decides first, installed %s", async (where) => {
    const seen: { last: boolean; exhausted: Reason | undefined }[] = [];
    const dlq = definePlugin({
      name: "dlq",
      producers: "enforced-at-run",
      setup: () => ({
        onFailure: {
          run: ({ isLastAttempt, exhausted }) => void seen.push({ last: isLastAttempt, exhausted }),
        },
      }),
    });
    const task = failing(() => new NonRetryableError("no"));
    const plugins = where === "behind it" ? [dlq, retries()] : [retries(), dlq];
    await using harness = await createHarness({ tasks: [task], plugins });
    await harness.waitFor(await harness.enqueue(task, {}), "failed");
    expect(seen).toEqual([
      { last: true, exhausted: { plugin: "retry", code: "NOT_RETRYABLE", message: "no" } },
    ]);
  });
});

describe("retries' deadlines", () => {
  const task = defineTask({ identifier: "work", retry: { expireAfter: "1h" }, run: () => {} });
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);

  it("skips a job that starts too late, and says why", async () => {
    const { enqueue, waitFor } = await startWorker([task]);
    const { summary, note } = await waitFor(
      await enqueue(task, {}, { runAt: hoursAgo(2) }),
      "skipped",
    );
    expect(note).toMatchObject({ plugin: "retry", code: "EXPIRED" });
    expect(summary).toMatch(/^skipped by retry: too late: it was to start by 2/);
  });

  it("runs a job that is on time, and labels it with its deadline", async () => {
    const { enqueue, waitFor, worker } = await startWorker([task]);
    await waitFor(await enqueue(task, {}), "succeeded");
    const runAt = new Date(Date.now() + 3_600_000);
    const later = await enqueue(task, {}, { runAt });
    const { job, plugins } = await worker.explain((later as { id: string }).id);
    expect(Object.keys(job?.flags ?? {})).toEqual([
      `expires-at=${new Date(runAt.getTime() + 3_600_000).toISOString()}`,
    ]);
    expect(plugins).toContainEqual(expect.objectContaining({ code: "HAS_DEADLINE" }));
  });

  it("skips a job of SQL by its label, or by when it was due", async () => {
    const plain = defineTask({ identifier: "plain", run: () => {} });
    const { enqueueSql, waitFor } = await startWorker([task, plain]);
    const labelled = await enqueueSql("plain", {}, {
      flags: [`expires-at=${hoursAgo(1).toISOString()}`],
    } as never);
    await waitFor(labelled as string, "skipped");
    await waitFor((await enqueueSql("work", {}, { runAt: hoursAgo(2) })) as string, "skipped");
    await waitFor((await enqueueSql("work", {})) as string, "succeeded");
  });

  it("runs a late job that says never, or comes back from the dead letters", async () => {
    const { enqueue, waitFor, worker } = await startWorker([task]);
    const runAt = hoursAgo(2);
    const never = await enqueue(task, {}, { runAt, labels: { "expires-at": "never" } });
    await waitFor(never, "succeeded");
    const labels = { "expires-at": runAt.toISOString(), "dlq.requeues": "1" };
    await waitFor(await enqueue(task, {}, { labels }), "succeeded");
    const later = new Date(Date.now() + 3_600_000);
    const endless = { runAt: later, labels: { "expires-at": "never" } };
    const waiting = (await enqueue(task, {}, endless)) as { id: string };
    expect((await worker.explain(waiting.id)).plugins).toEqual([]);
  });

  it("goes by the database's clock, where this machine's is wrong", async () => {
    const clock = createFakeClock(new Date("2030-01-01"));
    const { enqueueSql, waitFor } = await startWorker([task], { clock });
    await waitFor(await enqueueSql("work", {}), "succeeded");
    await clock.advance("2h");
    await waitFor(await enqueueSql("work", {}), "skipped");
  });

  it("passes over a label of SQL that is no date, and says so", async () => {
    const { enqueueSql, waitFor, logs } = await startWorker([task]);
    const id = await enqueueSql("work", {}, { flags: ["expires-at=tomorrow"] } as never);
    await waitFor(id as string, "succeeded");
    expect(logs.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('label expires-at: got "tomorrow"; it is a date with a zone'),
    );
  });

  it("refuses a label that is no date where the job is added", async () => {
    const { enqueue } = await startWorker([task]);
    const error = await enqueue(task, {}, { labels: { "expires-at": "tomorrow" } }).catch(
      (caught: unknown) => caught,
    );
    expect(isJobRejectedError(error) && error.reason.code).toBe("INVALID_DEADLINE");
  });

  it("gives up a failed job whose next attempt would come too late, and keeps its error", async () => {
    const late = failing(boom, { expireAfter: "1h", backoff: ["2h"] });
    const { enqueue, waitFor } = await startWorker([late]);
    const { job, note } = await waitFor(await enqueue(late, {}), "failed");
    expect(job?.last_error).toBe("boom");
    expect(note).toMatchObject({ plugin: "retry", code: "EXPIRED" });
  });
});

describe("retries' options", () => {
  const problemsOf = (options: object, own?: object): string => {
    try {
      createWorker({
        connectionString: "postgres://nowhere",
        config: false,
        tasks: [defineTask({ identifier: "work", run: () => {}, ...(own && { retry: own }) })],
        plugins: [retries(options)],
      });
    } catch (error) {
      if (isConfigurationError(error)) return error.problems.join("\n");
      throw error;
    }
    return "";
  };

  it.each([
    [{ maxAtempts: 1 }, 'unknown option "maxAtempts", did you mean "maxAttempts"?'],
    [{ maxAttempts: 0 }, "maxAttempts"],
    [{ backoff: { type: "linear" } }, "backoff"],
    [{ backoff: { type: "exponential", bse: 1 } }, 'did you mean "base"?'],
    [{ backoff: { type: "exponential", factor: 0.5 } }, "factor"],
    [{ backoff: [] }, "backoff"],
    [{ backoff: ["5 bananas"] }, "expected a duration"],
    [{ backoff: { type: "fixed", delay: "10y" } }, "expected a duration from 0ms to 365d"],
    [{ timeout: "30d" }, "expected a duration from 1ms to 24d"],
    [{ timeout: true }, "timeout"],
    [{ retryOn: "ECONNRESET" }, "retryOn"],
    [{ cancelTimeout: "5m" }, "cancelTimeout"],
  ])("refuses %j", (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it("are checked on tasks, too", () => {
    expect(problemsOf({}, { timeuot: 1 })).toContain(
      'task "work", option retry: unknown option "timeuot", did you mean "timeout"?',
    );
  });

  it("are all optional", () => {
    expect(problemsOf({}, {})).toBe("");
  });
});
