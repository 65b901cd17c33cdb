import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  defer,
  defineTask,
  fail,
  type PluginHost,
  type PluginInstance,
  retry,
  taken,
} from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { gate, plugin } from "../support/plugins.ts";
import { idOf } from "../support/results.ts";
import { testWorker, until } from "../support/worker.ts";

/** A plugin that applies to every task and keeps its host. */
function spy(instance: PluginInstance<any> = {}, more: Parameters<typeof plugin>[2] = {}) {
  let kept: PluginHost | undefined;
  const setup = (host: PluginHost) => {
    kept = host;
    return { beforeRun: gate(() => undefined), ...instance };
  };
  return { made: plugin("spy", setup, more), host: () => kept as PluginHost };
}

/** A task that runs until it is let go, or its signal aborts. */
function held() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const started: string[] = [];
  const aborted: unknown[] = [];
  const task = defineTask({
    identifier: "held",
    run: async (_payload, { job, signal }) => {
      started.push(job.id);
      signal.addEventListener("abort", () => aborted.push(signal.reason));
      await opened;
    },
  });
  return { task, started, aborted, open: () => open() };
}

describe("a plugin's poolStarting and poolEnded", () => {
  it("are told of the engine's pool before its first claim and after its last", async () => {
    const log: string[] = [];
    let announced = () => {};
    const wait = new Promise<void>((resolve) => {
      announced = resolve;
    });
    const { made } = spy({
      poolStarting: async (pool: string) => {
        log.push(`starting ${pool}`);
        await wait;
      },
      poolEnded: async (pool: string) => void log.push(`ended ${pool}`),
    });
    let owner: string | null = null;
    const task = defineTask({
      identifier: "t",
      run: (_payload, { job }) => {
        log.push("ran");
        owner = job.locked_by;
      },
    });
    const { worker, jobs } = await testWorker({ tasks: [task], plugins: [made] });
    await worker.start();
    await worker.addJob(task, {});
    await until(() => log.length === 1, "the pool is announced");
    expect(await jobs()).toMatchObject([{ locked_by: null, attempts: 0 }]);
    announced();
    await until(() => log.includes("ran"), "the job ran");
    await worker.stop();
    expect(log).toEqual([`starting ${owner}`, "ran", `ended ${owner}`]);
  });
});

describe("host.running and host.restart", () => {
  it("lists the runs of this worker, which can be aborted", async () => {
    const { task, started, aborted, open } = held();
    const { made, host } = spy();
    const { worker } = await testWorker({ tasks: [task], plugins: [made] });
    await worker.start();
    const id = idOf(await worker.addJob(task, {}));
    await until(() => started.length === 1, "the job runs");
    const runs = [...host().running()];
    expect(runs.map(({ job }) => job.id)).toEqual([id]);
    runs[0]?.abort("enough");
    expect(aborted).toEqual(["enough"]);
    open();
  });

  it("gives the pool up: its jobs go back with their attempt and run again in a new pool", async () => {
    const { task, started, aborted, open } = held();
    const pools: string[] = [];
    const { made, host } = spy({
      poolStarting: async (pool: string) => void pools.push(pool),
    });
    const { worker, jobs } = await testWorker({ tasks: [task], plugins: [made] });
    const interrupted = eventsOf(worker.events, "job:interrupted");
    await worker.start();
    await worker.addJob(task, {}, { maxAttempts: 1 });
    await until(() => started.length === 1, "the job runs");
    const cause = new Error("the lease was lost");
    host().restart(cause);
    expect(aborted).toEqual([cause]);
    await until(() => started.length === 2, "the job runs again");
    expect(pools).toHaveLength(2);
    expect(interrupted).toHaveLength(1);
    expect(await jobs()).toMatchObject([{ attempts: 1, locked_by: pools[1] }]);
    open();
    await until(async () => (await jobs()).length === 0, "the job is done");
  });
});

describe("jobs of one named queue", () => {
  it("follow one another at once, whatever ends them, with a local queue as well", async () => {
    const ran: number[] = [];
    const deferred = new Set<string>();
    const task = defineTask({
      identifier: "t",
      run: (payload, { job }) => {
        const { n } = payload as { n: number };
        ran.push(n);
        if (n % 3 === 1 && job.attempts === 1) throw new Error("once more");
      },
    });
    const { made } = spy({
      beforeRun: gate(({ payload, job }) => {
        if ((payload as { n: number }).n % 3 !== 2 || deferred.has(job.id)) return undefined;
        deferred.add(job.id);
        return defer({ after: 1 }, { code: "ONCE", message: "once" });
      }),
      onFailure: { run: () => retry({ after: 1 }) },
    });
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [made],
      worker: { localQueue: { size: 10 }, pollInterval: 60_000 },
    });
    await worker.addJobs(
      Array.from({ length: 30 }, (_, n) => ({ task, payload: { n }, queueName: "one" })),
    );
    await worker.start();
    await until(async () => (await jobs()).length === 0, "all are done");
    expect(new Set(ran).size).toBe(30);
  });
});

describe("a plain task", () => {
  it("sees its signal abort when a plugin aborts its run", async () => {
    let reason: unknown;
    const { made, host } = spy();
    const { worker } = await testWorker({
      plugins: [made],
      taskList: {
        plain: (_payload, { abortSignal, job }) =>
          new Promise<void>((resolve) => {
            expect(job.task_identifier).toBe("plain");
            abortSignal?.addEventListener("abort", () => {
              reason = abortSignal.reason;
              resolve();
            });
          }),
      },
    });
    await worker.start();
    await worker.addJob("plain", {});
    await until(() => [...host().running()].length === 1, "the job runs");
    [...host().running()][0]?.abort("enough");
    await until(() => reason !== undefined, "the task was told");
    expect(reason).toBe("enough");
  });
});

describe("a completion", () => {
  it.each([undefined, "q"])(
    "never deletes a job that another pool has claimed since, queue %s",
    async (queueName) => {
      const { task, started, open } = held();
      const { worker, jobs, sql } = await testWorker({ tasks: [task] });
      await worker.start();
      const id = idOf(await worker.addJob(task, {}, { queueName }));
      const other = idOf(await worker.addJob(task, {}));
      await until(() => started.length >= 1 && started.includes(id), "the job runs");
      await sql("update graphile_worker._private_jobs set locked_by = 'other' where id = $1", [id]);
      open();
      await until(async () => (await jobs()).length === 1, `job ${other} is done`);
      await worker.stop();
      expect(await jobs()).toMatchObject([{ id, locked_by: "other", attempts: 1 }]);
    },
  );
});

describe("onFailure", () => {
  it("is asked about jobs that a plugin or their payload's schema failed for good", async () => {
    const asked: unknown[] = [];
    const strict = defineTask({
      identifier: "strict",
      payload: z.object({ n: z.number() }),
      run: () => {},
    });
    const plain = defineTask({ identifier: "plain", run: () => {} });
    const { made } = spy({
      beforeRun: gate(({ task }) =>
        task.identifier === "plain" ? fail({ code: "NO", message: "not today" }) : undefined,
      ),
      onFailure: {
        run: ({ task, isLastAttempt, exhausted }) => {
          asked.push([task.identifier, isLastAttempt, exhausted?.plugin, exhausted?.code]);
        },
      },
    });
    const { worker, jobs, sql } = await testWorker({ tasks: [strict, plain], plugins: [made] });
    await worker.addJob(plain, {});
    await sql("select graphile_worker.add_job('strict', '{\"n\": \"x\"}')");
    await worker.start();
    await until(() => asked.length === 2, "both are told");
    expect(asked).toEqual(
      expect.arrayContaining([
        ["plain", true, "spy", "NO"],
        ["strict", true, "core", "INVALID_PAYLOAD"],
      ]),
    );
    await until(
      async () => (await jobs()).every((job) => job.locked_at === null),
      "both are written",
    );
    expect((await jobs()).every((job) => job.attempts === job.max_attempts)).toBe(true);
  });

  it("may move such a job's row away", async () => {
    const { made } = spy({
      beforeRun: gate(() => fail({ code: "NO", message: "not today" })),
    });
    const move = plugin("move", ({ engine }) => ({
      onFailure: {
        run: async ({ job }) => {
          await engine.takeInto({ claimed: [job] }, { sql: "select from taken", values: [] });
          return taken();
        },
      },
    }));
    const task = defineTask({ identifier: "t", run: () => {} });
    const { worker, jobs } = await testWorker({ tasks: [task], plugins: [made, move] });
    const exhausted = eventsOf(worker.events, "job:exhausted");
    await worker.addJob(task, {});
    await worker.start();
    await until(() => exhausted.length === 1, "it failed");
    expect(exhausted[0]?.taken).toBe(true);
    expect(await jobs()).toEqual([]);
  });
});

describe("a plugin's worker options", () => {
  it("hold where the user's own say nothing", async () => {
    const { made } = spy({}, { worker: { localQueue: { size: 7 }, concurrentJobs: 3 } });
    const { task, started, open } = held();
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [made],
      worker: { concurrentJobs: 1 },
    });
    await worker.addJobs(Array.from({ length: 5 }, () => ({ task, payload: {} })));
    await worker.start();
    await until(() => started.length === 1, "one runs");
    await until(
      async () => (await jobs()).every((job) => job.locked_by !== null),
      "the others wait in the local queue",
    );
    expect(started).toHaveLength(1);
    open();
    await until(async () => (await jobs()).length === 0, "all are done");
  });
});

describe("worker.cancel", () => {
  it("removes waiting jobs and asks plugins about those that run", async () => {
    const { task, started, open } = held();
    const asked: unknown[] = [];
    const { made } = spy({
      cancel: async (ids: readonly string[], reason: string) => {
        asked.push([ids, reason]);
        return ids.slice(0, 1);
      },
    });
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [made],
      worker: { concurrentJobs: 1 },
    });
    await worker.start();
    const running = idOf(await worker.addJob(task, {}));
    await until(() => started.length === 1, "the job runs");
    const waiting = idOf(await worker.addJob(task, {}));
    expect(await worker.cancel([waiting, running, "999999"], "no longer needed")).toEqual({
      removed: [waiting],
      told: [running],
      missed: ["999999"],
    });
    expect(asked).toEqual([[[running, "999999"], "no longer needed"]]);
    await expect(worker.cancel("abc")).rejects.toThrow('cancel got the job id "abc"');
    open();
  });
});
