import { defer, definePlugin, defineTask, skip } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createHarness, isHarnessTimeoutError } from "../../src/index.ts";

const greet = defineTask({
  identifier: "greet",
  payload: z.object({ name: z.string() }),
  run: ({ name }) => {
    if (name === "nobody") throw new Error("nobody to greet");
  },
});

const doorman = () => {
  const seen = new Set<string>();
  return definePlugin({
    name: "doorman",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        run: ({ job, labels }) => {
          if (labels.guest === "banned")
            return skip({ code: "BANNED", message: "not on the list" });
          if (labels.guest === "later")
            return defer({ after: "1h" }, { code: "FULL", message: "full house" });
          if (labels.guest === "soon" && !seen.has(job.id)) {
            seen.add(job.id);
            return defer({ after: 50 }, { code: "FULL", message: "full house" });
          }
          return undefined;
        },
      },
    }),
  });
};

const harness = () => createHarness({ tasks: [greet], plugins: [doorman()] });

describe("createHarness", () => {
  it("runs a job and tells when it succeeded", async () => {
    await using h = await harness();
    const added = await h.enqueue(greet, { name: "Ada" });
    const answer = await h.waitFor(added, "succeeded");
    expect(answer.state).toBe("gone");
    expect(h.history.map(({ name }) => name)).toEqual(["job:started", "job:succeeded"]);
  });

  it("finds a job by task and labels, added by plain SQL with labels and options", async () => {
    await using h = await harness();
    const id = await h.enqueueSql(
      "greet",
      { name: "Ada" },
      { labels: { guest: "later" }, queueName: "q", priority: 3, maxAttempts: 2 },
    );
    const { id: found, job } = await h.waitFor(
      { task: greet, labels: { guest: "later" } },
      "deferred",
    );
    expect(found).toBe(id);
    expect(job).toMatchObject({ attempts: 0, max_attempts: 2, priority: 3, queue_name: "q" });
  });

  it("drains although jobs are left that are due later or failed for good", async () => {
    await using h = await harness();
    for (const [name, guest] of [
      ["Ada", "later"],
      ["Ada", "none"],
      ["nobody", "none"],
    ] as const) {
      await h.enqueue("greet", { name }, { labels: { guest }, maxAttempts: 1 });
    }
    await h.drain();
    const left = await h.worker.engine.peek({ tasks: ["greet"] });
    expect(left.map(({ state }) => state)).toEqual(expect.arrayContaining(["scheduled", "failed"]));
    expect(left.every(({ state }) => state !== "ready" && state !== "running")).toBe(true);
  });

  it("waits for a deferred job to run after all", async () => {
    await using h = await harness();
    const added = await h.enqueue(greet, { name: "Ada" }, { labels: { guest: "soon" } });
    await h.waitFor(added, "deferred");
    await h.waitFor(added, "succeeded");
  });

  it("waits for skipped, retrying, failed and gone", async () => {
    await using h = await harness();
    const skipped = await h.enqueue(greet, { name: "Eve" }, { labels: { guest: "banned" } });
    expect((await h.waitFor(skipped, "skipped")).summary).toBe(
      "skipped by doorman: not on the list",
    );
    await h.waitFor(skipped, "gone");
    const retried = await h.enqueue(greet, { name: "nobody" });
    expect((await h.waitFor(retried, "retrying")).job?.attempts).toBe(1);
    const failed = await h.enqueue(greet, { name: "nobody" }, { maxAttempts: 1 });
    expect((await h.waitFor(failed, "failed")).job?.last_error).toBe("nobody to greet");
  });

  it("says what explain says of the job when the time is up", async () => {
    await using h = await harness();
    const added = await h.enqueue(greet, { name: "Ada" }, { labels: { guest: "later" } });
    const error = await h
      .waitFor(added, "succeeded", { timeout: 300 })
      .catch((thrown: unknown) => thrown);
    expect(isHarnessTimeoutError(error)).toBe(true);
    expect((error as Error).message).toMatch(
      /^waited 300 ms for job 1 to be succeeded\n {2}job 1 is scheduled: deferred by doorman until \S+: full house\n {2}what happened to it here: job:started, job:deferred by doorman \(FULL: full house\)$/,
    );
  });

  it("says of a drain which jobs are left and why", async () => {
    await using h = await harness();
    await h.enqueueSql("unheard_of");
    const error = await h.drain({ timeout: 100 }).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toBe(
      'waited 100 ms for all jobs to end; 1 jobs that are ready or running:\n  job 1 is ready: ready, but this worker has no task "unheard_of"',
    );
  });

  it("says at once that a dropped job cannot be waited for", async () => {
    await using h = await harness();
    const dropped = {
      status: "dropped",
      reason: { plugin: "dedup", code: "SEEN", message: "seen before" },
      existing: undefined,
    } as const;
    await expect(h.waitFor(dropped, "succeeded")).rejects.toThrow(
      "cannot wait for a job to be succeeded: it was dropped by dedup and never added (seen before)",
    );
  });

  it("keeps the log to itself, and gives a client of its own", async () => {
    await using h = await harness();
    const added = await h.client.addJob(greet, { name: "nobody" }, { maxAttempts: 1 });
    await h.waitFor(added, "failed");
    expect(h.logs.find(({ level }) => level === "error")?.message).toContain("nobody to greet");
  });

  it("drops its database when the worker cannot start", async () => {
    const broken = definePlugin({
      name: "broken",
      producers: "not-covered",
      setup: () => ({
        start: () => {
          throw new Error("no store");
        },
      }),
    });
    await expect(createHarness({ tasks: [greet], plugins: [broken] })).rejects.toThrow("no store");
  });

  it("leaves a database that it was given, and can be stopped twice", async () => {
    await using owner = await harness();
    const second = await createHarness({ tasks: [greet], database: owner.database });
    await second.stop();
    await second.stop();
    expect(await owner.sql("select 1 as one")).toEqual([{ one: 1 }]);
  });
});
