import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  defer,
  defineTask,
  fail,
  type Outcome,
  type Permit,
  proceed,
  type RunDecision,
  skip,
} from "../../src/index.ts";
import type { HookReport } from "../../src/pipeline/hook.ts";
import { PermitStack } from "../../src/pipeline/permits.ts";
import { eventsOf } from "../support/events.ts";
import { entry, gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const reason = { code: "STOP", message: "stopped" };

/** Plugins that grant permits and log how those end. */
function granting(log: unknown[]) {
  const permit = (name: string): Permit => ({
    commit: (outcome) => void log.push([name, outcome]),
    rollback: async () => void log.push([name, "rolled back"]),
  });
  return (name: string) =>
    plugin(name, { beforeRun: gate(async () => proceed({ permit: permit(name) })) });
}

describe("permits", () => {
  it("commit with the outcome, last grant first, after the after-hooks", async () => {
    const log: unknown[] = [];
    const grants = granting(log);
    const error = new Error("no luck");
    const { worker, jobs } = await testWorker({
      tasks: [
        defineTask({ identifier: "good", run: async () => "result" }),
        defineTask({
          identifier: "bad",
          run: () => {
            throw error;
          },
        }),
      ],
      plugins: [
        grants("a"),
        grants("b"),
        plugin("after", {
          afterRun: { run: async () => void log.push("afterRun") },
          onFailure: { run: async () => void log.push("onFailure") },
        }),
      ],
    });
    await worker.start();
    await worker.addJob("good", {});
    await until(() => log.length === 3, "the job is done");
    const succeeded: Outcome = { kind: "succeeded", result: "result" };
    expect(log.splice(0)).toEqual(["afterRun", ["b", succeeded], ["a", succeeded]]);

    await worker.addJob("bad", {}, { maxAttempts: 2 });
    await until(() => log.length === 3, "the job failed");
    const failed: Outcome = { kind: "failed", error, last: false };
    expect(log.splice(0)).toEqual(["onFailure", ["b", failed], ["a", failed]]);

    await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
    await worker.engine.reschedule([(await jobs())[0]?.id as string], { runAt: new Date() });
    await until(() => log.length === 3, "the job failed again");
    expect(log[1]).toEqual(["b", { ...failed, last: true }]);
  });

  it.each<[string, RunDecision]>([
    ["defers", defer({ after: "1h" }, reason)],
    ["skips", skip(reason)],
    ["fails", fail(reason)],
  ])("roll back, last grant first, when a later plugin %s the job", async (_, decision) => {
    const log: unknown[] = [];
    const grants = granting(log);
    const { worker, sql } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => void log.push("ran") })],
      plugins: [
        grants("a"),
        grants("b"),
        plugin("stop", { beforeRun: gate(() => decision) }),
        grants("c"),
      ],
    });
    await worker.addJob("t", {});
    await worker.start();
    const left = "select from graphile_worker.jobs where locked_at is not null or attempts = 0";
    await until(async () => log.length > 0 && (await sql(left)).length < 2, "the job is stopped");
    await worker.stop();
    expect(log).toEqual([
      ["b", "rolled back"],
      ["a", "rolled back"],
    ]);
  });

  it("cannot harm the job or one another, whatever they throw", async () => {
    const committed: string[] = [];
    const faulty = (name: string, commit: Permit["commit"]) =>
      plugin(name, {
        beforeRun: gate(() => proceed({ permit: { commit, rollback: commit as any } })),
      });
    const { worker, jobs } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [
        faulty("first", () => void committed.push("first")),
        faulty("throws", () => {
          throw new Error("thrown");
        }),
        faulty("rejects", () => Promise.reject(new Error("rejected"))),
        faulty("none", undefined as any),
        faulty("last", async () => void committed.push("last")),
      ],
    });
    const errors = eventsOf(worker.events, "plugin:error");
    await worker.addJob("t", {});
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(committed).toEqual(["last", "first"]);
    expect(errors.map(({ plugin: name, hook }) => `${name} ${hook}`)).toEqual([
      "none permit",
      "rejects permit",
      "throws permit",
    ]);
  });

  it("are waited for five seconds at most", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const failed = vi.fn<HookReport["failed"]>();
    const settled: string[] = [];
    const stack = new PermitStack({ failed, duration: undefined });
    stack.push("a", { commit: () => void settled.push("a"), rollback: () => {} });
    stack.push("b", { commit: () => new Promise(() => {}), rollback: () => {} });
    const done = stack.commit({ kind: "succeeded", result: undefined });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(failed.mock.calls).toMatchObject([
      ["b", "permit", { message: "plugin b, permit: did not settle within 5000 ms" }],
    ]);
    expect(settled).toEqual(["a"]);
    await stack.rollback();
    expect(settled).toEqual(["a"]);
  });

  it.each(["run", "batch"] as const)(
    "roll back at once when a hook of the %s form grants them after its timeout",
    async (form) => {
      const log: string[] = [];
      const grant = proceed({
        permit: {
          commit: () => void log.push("committed"),
          rollback: () => void log.push("rolled back"),
        },
      });
      let release = () => {};
      const late = new Promise<void>((resolve) => {
        release = resolve;
      });
      const place = { phase: "gate", onError: "open", timeout: 50 } as const;
      const { worker } = await testWorker({
        tasks: [defineTask({ identifier: "t", run: () => void log.push("ran") })],
        plugins: [
          plugin("lock", {
            beforeRun:
              form === "run"
                ? { ...place, run: () => late.then(() => grant) }
                : { ...place, batch: (all) => late.then(() => all.map(() => grant)) },
          }),
        ],
      });
      await worker.addJob("t", {});
      await worker.start();
      await until(() => log.length === 1, "the job ran without the hook");
      release();
      await until(() => log.length === 2, "the permit is settled");
      await worker.stop();
      expect(log).toEqual(["ran", "rolled back"]);
    },
  );
});

describe("beforeEnqueue", () => {
  it("has no permits: what it holds stands or falls with the insert's transaction", async () => {
    const { worker } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [plugin("p", { beforeEnqueue: entry(() => proceed() as any) })],
    });
    const errors = eventsOf(worker.events, "plugin:error");
    await worker.addJob("t", {});
    expect(errors[0]?.error).toMatchObject({
      message:
        'plugin p, beforeEnqueue: returned a decision of kind "proceed"; it is one of "continue", "drop", "reject", or undefined',
    });
  });
});
