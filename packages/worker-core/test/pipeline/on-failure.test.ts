import { describe, expect, it } from "vitest";
import {
  defineTask,
  exhaust,
  type FailureDecision,
  type FailureInput,
  retry,
  taken,
} from "../../src/index.ts";
import { eventsOf, nextEvent } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const reason = { code: "HOPELESS", message: "never again" };
const bad = defineTask({
  identifier: "bad",
  run: () => {
    throw new Error("no luck");
  },
});

/** Plugins with an `onFailure` each; `onFailure` runs in reverse order, so the last is asked first. */
async function failing(
  hooks: Record<string, (input: FailureInput) => unknown>,
  options: { maxAttempts: number; queueName?: string },
) {
  const started = await testWorker({
    tasks: [bad],
    plugins: Object.entries(hooks).map(([name, run]) =>
      plugin(name, { onFailure: { timeout: 50, run: run as never } }),
    ),
  });
  const { worker, jobs } = started;
  const failed = eventsOf(worker.events, "job:failed");
  const exhausted = eventsOf(worker.events, "job:exhausted");
  const errors = eventsOf(worker.events, "plugin:error");
  await worker.addJob(bad, { n: 1 }, options);
  await worker.start();
  await until(() => failed.length + exhausted.length > 0, "the job failed");
  await until(async () => (await jobs()).every((job) => job.locked_at === null), "it is written");
  return { ...started, failed, exhausted, errors };
}

describe("onFailure", () => {
  it("is told of the error and of the last attempt, in reverse order", async () => {
    const seen: unknown[] = [];
    const see = (name: string) => (input: FailureInput) =>
      void seen.push([name, (input.error as Error).message, input.isLastAttempt, input.decision]);
    await failing({ a: see("a"), b: see("b") }, { maxAttempts: 2 });
    expect(seen.splice(0)).toEqual([
      ["b", "no luck", false, undefined],
      ["a", "no luck", false, undefined],
    ]);
    await failing({ a: see("a") }, { maxAttempts: 1 });
    expect(seen).toEqual([["a", "no luck", true, undefined]]);
  });

  it("leaves the engine's own back-off where it decides nothing, and whatever goes wrong in it", async () => {
    const asked: string[] = [];
    const { jobs, errors } = await failing(
      {
        last: () => void asked.push("last"),
        "bad-date": () => retry(new Date(Number.NaN)),
        unknown: () => ({ kind: "snooze" }),
        null: () => null,
        hangs: () => new Promise(() => {}),
        rejects: async () => {
          throw new Error("rejected");
        },
        throws: () => {
          throw new Error("thrown");
        },
      },
      { maxAttempts: 3 },
    );
    const [job] = await jobs();
    expect(job).toMatchObject({ attempts: 1, last_error: "no luck", payload: { n: 1 } });
    const backOffMs = (job?.run_at.getTime() ?? 0) - Date.now();
    expect(backOffMs).toBeGreaterThan(0);
    expect(backOffMs).toBeLessThanOrEqual(Math.E * 1_000);
    expect(asked).toEqual(["last"]);
    expect(errors.map(({ plugin: name, error }) => [name, (error as Error).message])).toEqual([
      ["throws", "thrown"],
      ["rejects", "rejected"],
      ["hangs", "plugin hangs, onFailure: did not settle within 50 ms"],
      [
        "null",
        'plugin null, onFailure: returned a decision of null; it is one of "retry", "exhaust", "taken", or undefined',
      ],
      [
        "unknown",
        'plugin unknown, onFailure: returned a decision of kind "snooze"; it is one of "retry", "exhaust", "taken", or undefined',
      ],
      [
        "bad-date",
        "plugin bad-date, onFailure: returned retry, at: got an invalid Date; it is a Date of the years 1 to 9999, or { after: duration }",
      ],
    ]);
  });

  it("sets when the next attempt is due; the failed one counts", async () => {
    const at = new Date(Date.now() + 3_600_000);
    const { jobs, failed, sql } = await failing(
      { retry: () => retry(at) },
      { maxAttempts: 3, queueName: "q" },
    );
    expect(await jobs()).toMatchObject([
      { attempts: 1, run_at: at, last_error: "no luck", payload: { n: 1 } },
    ]);
    expect(failed).toHaveLength(1);
    expect(await sql("select locked_at from graphile_worker._private_job_queues")).toEqual([
      { locked_at: null },
    ]);
  });

  it("runs the job again after the duration it says", async () => {
    const { exhausted } = await failing(
      { soon: () => retry({ after: "20ms" }) },
      { maxAttempts: 3 },
    );
    await until(() => exhausted.length === 1, "the last attempt failed");
    expect(exhausted[0]?.job.attempts).toBe(3);
  });

  it("cannot retry after the last attempt", async () => {
    const seen: unknown[] = [];
    const { jobs, exhausted, errors } = await failing(
      {
        see: ({ decision }) => void seen.push(decision),
        retry: () => retry({ after: "1h" }),
      },
      { maxAttempts: 1 },
    );
    expect(await jobs()).toMatchObject([{ attempts: 1, max_attempts: 1, last_error: "no luck" }]);
    expect((await jobs())[0]?.run_at.getTime()).toBeLessThan(Date.now() + 60_000);
    expect(exhausted).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(seen).toEqual([undefined]);
  });

  it("leaves no further attempt when it exhausts the job", async () => {
    const { jobs, failed, exhausted } = await failing(
      { breaker: async () => exhaust(reason) },
      { maxAttempts: 5 },
    );
    expect(await jobs()).toMatchObject([{ attempts: 5, max_attempts: 5, last_error: "no luck" }]);
    expect(failed).toEqual([]);
    expect(exhausted).toMatchObject([{ taken: false, error: { message: "no luck" } }]);
  });

  it.each<[string, FailureDecision, FailureDecision, number]>([
    ["retry over exhaust", retry({ after: "1h" }), exhaust(reason), 1],
    ["exhaust over retry", exhaust(reason), retry({ after: "1h" }), 5],
  ])("lets the first decision stand: %s", async (_, first, second, attempts) => {
    const seen: unknown[] = [];
    const see = (decision: FailureDecision) => (input: FailureInput) => {
      seen.push([input.decision?.kind, input.isLastAttempt]);
      return decision;
    };
    const { jobs } = await failing({ second: see(second), first: see(first) }, { maxAttempts: 5 });
    expect(await jobs()).toMatchObject([{ attempts, last_error: "no luck" }]);
    expect(seen).toEqual([
      [undefined, false],
      [first.kind, first.kind === "exhaust"],
    ]);
  });

  it("moves the row away in a transaction of its own, over any other decision", async () => {
    const { worker, jobs, sql } = await testWorker({
      tasks: [bad, defineTask({ identifier: "next", run: () => {} })],
      plugins: [
        plugin("dlq", ({ engine, transaction }) => ({
          onFailure: {
            run: async ({ job, isLastAttempt }) => {
              if (!isLastAttempt) return undefined;
              await transaction(async (query) => {
                const [row] = await engine.take(job, query);
                await query("insert into dead_letters values ($1, $2)", [
                  row?.id,
                  JSON.stringify(row?.payload),
                ]);
              });
              return taken();
            },
          },
        })),
        plugin("breaker", { onFailure: { run: () => exhaust(reason) } }),
      ],
    });
    await sql("create table dead_letters (id bigint, payload json)");
    const exhausted = nextEvent(worker.events, "job:exhausted");
    await worker.addJob(bad, { n: 1 }, { queueName: "q" });
    await worker.start();
    expect(await exhausted).toMatchObject({ taken: true, error: { message: "no luck" } });
    expect(await sql("select id, payload from dead_letters")).toEqual([
      { id: "1", payload: { n: 1 } },
    ]);
    expect(await jobs()).toEqual([]);
    await worker.addJob("next", {}, { queueName: "q" });
    await until(async () => (await jobs()).length === 0, "the queue is free for the next job");
  });

  it("keeps the job when the transaction that would take it fails", async () => {
    const { worker, jobs, sql } = await testWorker({
      tasks: [bad],
      plugins: [
        plugin("dlq", ({ engine, transaction }) => ({
          onFailure: {
            run: async ({ job }) => {
              await transaction(async (query) => {
                await engine.take(job, query);
                await query("insert into no_such_table values (1)");
              });
              return taken();
            },
          },
        })),
      ],
    });
    const exhausted = nextEvent(worker.events, "job:exhausted");
    const errors = eventsOf(worker.events, "plugin:error");
    await worker.addJob(bad, { n: 1 }, { maxAttempts: 1 });
    await worker.start();
    expect(await exhausted).toMatchObject({ taken: false });
    await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
    expect(await jobs()).toMatchObject([{ attempts: 1, last_error: "no luck" }]);
    expect(errors).toMatchObject([{ plugin: "dlq", hook: "onFailure" }]);
    expect(await sql("select count(*)::int as count from graphile_worker.jobs")).toEqual([
      { count: 1 },
    ]);
  });
});
