import { describe, expect, it, vi } from "vitest";
import { createEvents } from "../src/events.ts";
import { defer, defineTask, type EventMap, skip } from "../src/index.ts";
import { eventsOf } from "./support/events.ts";
import { entry, gate, plugin } from "./support/plugins.ts";
import { idOf } from "./support/results.ts";
import { testWorker, until } from "./support/worker.ts";

const stopped: EventMap["worker:stopped"] = { worker: "w" };

describe("events", () => {
  it("tell every listener, in the order in which they came, until it leaves", () => {
    const events = createEvents(() => {});
    const seen: string[] = [];
    const off = events.on("worker:stopped", ({ worker }) => void seen.push(`a ${worker}`));
    events.on("worker:stopped", ({ worker }) => void seen.push(`b ${worker}`));
    events.emit("worker:stopped", stopped);
    off();
    off();
    events.emit("worker:stopped", stopped);
    expect(seen).toEqual(["a w", "b w", "b w"]);
  });

  it("tell a once listener once, even of an event that it brings about itself", () => {
    const events = createEvents(() => {});
    let calls = 0;
    events.once("worker:stopped", () => {
      calls++;
      events.emit("worker:stopped", stopped);
    });
    const off = events.once("worker:stopped", () => {
      calls += 10;
    });
    off();
    events.emit("worker:stopped", stopped);
    expect(calls).toBe(1);
  });

  // An asynchronous listener's rejection went unheard, which ended the process.
  it("isolate listeners that throw or reject, and tell of the error", async () => {
    const onError = vi.fn();
    const events = createEvents(onError);
    const seen: string[] = [];
    events.on("worker:stopped", () => {
      throw new Error("thrown");
    });
    events.on("worker:stopped", (() => Promise.reject(new Error("rejected"))) as () => void);
    events.on("worker:stopped", () => void seen.push("last"));
    events.emit("worker:stopped", stopped);
    expect(seen).toEqual(["last"]);
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(2));
    expect(onError.mock.calls).toEqual([
      ["worker:stopped", new Error("thrown")],
      ["worker:stopped", new Error("rejected")],
    ]);
  });

  it("know whether anybody listens", () => {
    const events = createEvents(() => {});
    expect(events.has("job:added")).toBe(false);
    const off = events.once("job:added", () => {});
    expect(events.has("job:added")).toBe(true);
    off();
    expect(events.has("job:added")).toBe(false);
  });

  it("attach to a source only while one of some events is listened to", () => {
    const events = createEvents(() => {});
    const log: string[] = [];
    const attach = () => {
      log.push("attached");
      return () => void log.push("detached");
    };
    const early = events.on("job:failed", () => {});
    const end = events.whileListened(["job:failed", "job:started"], attach);
    expect(log).toEqual(["attached"]);
    const off = events.on("job:started", () => {});
    events.on("job:added", () => {});
    early();
    expect(log).toEqual(["attached"]);
    off();
    expect(log).toEqual(["attached", "detached"]);
    events.once("job:started", () => {});
    expect(log).toHaveLength(3);
    end();
    expect(log).toEqual(["attached", "detached", "attached", "detached"]);
    events.on("job:failed", () => {});
    expect(log).toHaveLength(4);
  });
});

describe("a worker's events", () => {
  it("tell of every job's way, of tasks without hooks too", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [
        defineTask({
          identifier: "flaky",
          run: () => {
            throw new Error("no luck");
          },
        }),
      ],
      taskList: { plain: () => {} },
    });
    const started = eventsOf(worker.events, "job:started");
    const succeeded = eventsOf(worker.events, "job:succeeded");
    const failed = eventsOf(worker.events, "job:failed");
    const exhausted = eventsOf(worker.events, "job:exhausted");
    const added = eventsOf(worker.events, "job:added");
    const [flaky] = await worker.addJobs([
      { task: "flaky", payload: {}, maxAttempts: 2 },
      { task: "plain", payload: {} },
    ]);
    await worker.start();
    await until(() => failed.length === 1 && succeeded.length === 1, "both ended");
    const id = idOf(flaky);
    await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
    await worker.engine.reschedule([id], { runAt: new Date() });
    await until(() => exhausted.length === 1, "the last attempt failed");
    expect(added.map(({ spec }) => spec.identifier)).toEqual(["flaky", "plain"]);
    expect(started.map(({ job }) => job.task_identifier).sort()).toEqual([
      "flaky",
      "flaky",
      "plain",
    ]);
    expect(failed).toMatchObject([{ job: { id, attempts: 1 }, error: { message: "no luck" } }]);
    expect(exhausted).toMatchObject([
      { job: { id, attempts: 2 }, error: { message: "no luck" }, taken: false },
    ]);
    expect(succeeded).toMatchObject([{ job: { task_identifier: "plain" } }]);
    for (const { durationMs } of [...failed, ...exhausted, ...succeeded])
      expect(durationMs).toBeGreaterThan(0);
  });

  it("tell of what plugins do to jobs, each once and under one name", async () => {
    const reason = { code: "X", message: "x" };
    const { worker, jobs } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [
        plugin("p", {
          beforeEnqueue: entry(({ spec }) =>
            spec.payload === "drop" ? { kind: "drop", reason, existing: "7" } : undefined,
          ),
          beforeRun: gate(({ payload }) =>
            payload === "skip"
              ? skip(reason)
              : payload === "defer"
                ? defer({ after: "1h" }, reason)
                : undefined,
          ),
        }),
      ],
    });
    const names = [
      "job:dropped",
      "job:skipped",
      "job:deferred",
      "job:succeeded",
      "job:failed",
    ] as const;
    const [dropped, skipped, deferred, succeeded, failed] = names.map((name) =>
      eventsOf(worker.events, name),
    );
    await worker.addJobs(
      ["drop", "skip", "defer", "run"].map((payload) => ({ task: "t", payload })),
    );
    await worker.start();
    await until(async () => (await jobs()).length === 1 && deferred?.length === 1, "all is done");
    const by = { plugin: "p", ...reason };
    expect(dropped).toMatchObject([{ result: { existing: "7", reason: by } }]);
    expect(skipped).toMatchObject([{ job: { payload: "skip" }, reason: by }]);
    expect(deferred).toMatchObject([{ job: { payload: "defer" }, reason: by }]);
    expect(succeeded).toMatchObject([{ job: { payload: "run" } }]);
    expect(failed).toEqual([]);
  });

  it("log what a listener throws, and the job is none the worse for it", async () => {
    const { worker, jobs, logs } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
    });
    for (const name of ["job:added", "job:started", "job:succeeded", "worker:started"] as const)
      worker.events.on(name, (() => Promise.reject(new Error(`no ${name}`))) as () => void);
    await worker.addJob("t", {});
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    for (const name of ["job:added", "job:started", "job:succeeded", "worker:started"])
      expect(logs).toContainEqual({
        level: "error",
        message: `a listener of ${name} threw: no ${name}`,
      });
  });

  it("tell of start and stop with the worker's id", async () => {
    const { worker } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
    });
    const seen: unknown[] = [];
    worker.events.on("worker:started", (event) => void seen.push(["started", event.worker]));
    worker.events.on("worker:stopped", (event) => void seen.push(["stopped", event.worker]));
    await worker.start();
    await worker.stop();
    await worker.stop();
    expect(seen).toEqual([
      ["started", worker.id],
      ["stopped", worker.id],
    ]);
  });
});
