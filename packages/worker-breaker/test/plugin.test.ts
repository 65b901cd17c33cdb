import { defineTask, formatDuration } from "@oppulence/worker-core";
import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isBreakerBusyError, isCircuitOpenError, isUnknownDependencyError } from "../src/index.ts";
import { start } from "./start.ts";

/** A dependency that answers as it is told, and the task that calls it. */
function dependencyOf(breaker: object = { dependency: "smtp" }) {
  const server = { down: true, calls: 0 };
  const task = defineTask({
    identifier: "send",
    breaker,
    spec: { maxAttempts: 5 },
    run: async () => {
      server.calls += 1;
      if (server.down) throw new Error("connect ECONNREFUSED");
    },
  });
  return { server, task };
}

const smtp = { failureThreshold: 2, resetTimeout: "300ms" };

describe("circuitBreaker", () => {
  it("opens at the threshold, has jobs wait at no cost in attempts, and says why", async () => {
    const { server, task } = dependencyOf();
    const { worker, enqueue, sql, api } = await start([task], {
      breaker: { dependencies: { smtp: { failureThreshold: 2, resetTimeout: "1m" } } },
      worker: { concurrentJobs: 1 },
    });
    await worker.addJobs([1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => api.state("smtp").state === "open");
    const late = (await enqueue(task, { n: 9 })) as { id: string };
    await vi.waitUntil(async () => (await worker.explain(late.id)).note !== undefined);
    const { plugins, note } = await worker.explain(late.id);
    expect(note).toMatchObject({ plugin: "breaker", code: "CIRCUIT_OPEN" });
    expect(plugins[0]).toMatchObject({ plugin: "breaker", code: "CIRCUIT_OPEN", blocking: true });
    expect(plugins[0]?.message).toMatch(
      /^dependency "smtp" is open since \S+ \(2 failures within 1m\), next probe at \S+; last error: connect ECONNREFUSED$/,
    );
    expect(plugins[0]?.until?.getTime()).toBe(api.state("smtp").nextProbe?.getTime());
    expect(server.calls).toBe(2);
    const waiting = async () => {
      const rows = await sql<{ attempts: number }>(
        "select attempts from graphile_worker.jobs where locked_at is null order by attempts desc",
      );
      return rows.map(({ attempts }) => attempts);
    };
    await expect.poll(waiting).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("probes when it is time, closes when that succeeds, and lets all jobs run", async () => {
    const { server, task } = dependencyOf();
    const { worker, api, sql } = await start([task], { breaker: { dependencies: { smtp } } });
    await worker.addJobs([1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => api.state("smtp").state === "open");
    server.down = false;
    await vi.waitUntil(() => api.state("smtp").state === "closed", { timeout: 10_000 });
    await vi.waitUntil(
      async () => (await sql("select from graphile_worker.jobs where attempts = 0")).length === 0,
      { timeout: 10_000 },
    );
    const history = (await api.history()).map(({ from, to }) => `${from} ${to}`);
    expect(history.slice(0, 2)).toEqual(["half-open closed", "open half-open"]);
    expect(history.at(-1)).toBe("closed open");
  });

  it("asks the store nothing while the dependency is healthy", async () => {
    const { server, task } = dependencyOf();
    server.down = false;
    const { worker, enqueue, drain, waitFor } = await start([task], {
      breaker: { dependencies: { smtp: { failureThreshold: { rate: 0.5 } } } },
    });
    const query = vi.spyOn(pg.Client.prototype, "query");
    onTestFinished(() => query.mockRestore());
    const ofBreaker = () =>
      query.mock.calls.filter(([first]) => JSON.stringify(first).includes("breaker_"));
    await worker.addJobs(Array.from({ length: 50 }, (_, n) => ({ task, payload: { n } })));
    await drain();
    expect(server.calls).toBe(50);
    expect(query.mock.calls.length).toBeGreaterThan(10);
    expect(ofBreaker()).toEqual([]);
    server.down = true;
    await waitFor(await enqueue(task, {}), "retrying");
    expect(ofBreaker()).not.toEqual([]);
  });

  it("parks the backlog and brings it back in order", async () => {
    const ran: string[] = [];
    const task = defineTask({
      identifier: "send",
      breaker: { dependency: "smtp" },
      run: (_, { job }) => void ran.push(job.id),
    });
    const { worker, api, sql, drain } = await start([task], {
      breaker: { dependencies: { smtp }, ramp: { first: 4, every: "10ms" } },
      worker: { concurrentJobs: 1 },
      start: false,
    });
    await worker.migrate("auto");
    await api.open("smtp", { reason: "maintenance" });
    const added = await worker.addJobs(
      Array.from({ length: 400 }, (_, n) => ({ task, payload: { n } })),
    );
    await worker.start();
    const held = () =>
      sql("select from oppulence_worker.core_notes where kind = 'held' and plugin = 'breaker'");
    await vi.waitUntil(async () => (await held()).length === 400, { timeout: 10_000 });
    const [late] = await worker.addJobs([{ task, payload: { n: 400 } }]);
    expect(ran).toEqual([]);
    await api.reset("smtp");
    await drain();
    await vi.waitUntil(() => ran.length === 401, { timeout: 15_000 });
    const ids = [...added, late].flatMap((one) => (one?.status === "added" ? [one.id] : []));
    // One that is claimed while the others are parked may come early.
    const early = ran.find((id, at) => id !== ids[at]);
    expect(ran.filter((id) => id !== early)).toEqual(ids.filter((id) => id !== early));
    await vi.waitUntil(() => !api.state("smtp").parked);
  });

  it("runs jobs that always attempt, whatever the state", async () => {
    const { server, task } = dependencyOf({ dependency: "smtp", alwaysAttempt: true });
    server.down = false;
    const { api, enqueue, waitFor } = await start([task], {
      breaker: { dependencies: { smtp } },
    });
    await api.open("smtp", { reason: "maintenance" });
    await waitFor(await enqueue(task, {}), "succeeded");
  });

  it("takes a breaker of the task's own, under the task's name, with the plugin's options over it", async () => {
    const { task } = dependencyOf({ failureThreshold: 3, halfOpenRequests: 2 });
    const { api, worker } = await start([task], {
      breaker: { dependencies: { send: { failureThreshold: 1 } } },
    });
    await worker.addJob(task, {});
    await vi.waitUntil(() => api.state("send").state === "open");
    expect(api.state("send").calls.failed).toBe(0);
  });

  it("does not count business errors, nor a task that another plugin cancelled", async () => {
    const isFailure = (error: unknown) => error !== undefined && !String(error).includes("ECONN");
    const { task, server } = dependencyOf({ failureThreshold: 1, isFailure });
    const { api, enqueue, waitFor } = await start([task]);
    await waitFor(await enqueue(task, {}), "retrying");
    expect(server.calls).toBe(1);
    expect(api.state("send").state).toBe("closed");
  });

  it("keeps to maxUnderWay, at no cost in attempts", async () => {
    let most = 0;
    let now = 0;
    const task = defineTask({
      identifier: "send",
      breaker: { maxUnderWay: 2 },
      run: async () => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
      },
    });
    const { worker, sql, history } = await start([task], { worker: { concurrentJobs: 10 } });
    await worker.addJobs(Array.from({ length: 30 }, (_, n) => ({ task, payload: { n } })));
    await vi.waitUntil(async () => (await sql("select from graphile_worker.jobs")).length === 0, {
      timeout: 15_000,
    });
    expect(most).toBeLessThanOrEqual(2);
    expect(history.some(({ name }) => name === "job:deferred")).toBe(true);
    expect(history.some(({ name }) => name === "job:failed")).toBe(false);
  });

  it("has a RetryAfterError say how long it stays open", async () => {
    const error = Object.assign(new Error("later"), { code: "RETRY_AFTER", after: "1h" });
    const task = defineTask({
      identifier: "send",
      breaker: { failureThreshold: 1, resetTimeout: "1s" },
      run: () => Promise.reject(new Error("wrapped", { cause: error })),
    });
    const { api, enqueue } = await start([task]);
    await enqueue(task, {});
    await vi.waitUntil(() => api.state("send").state === "open");
    const { since, nextProbe } = api.state("send");
    expect(formatDuration((nextProbe?.getTime() ?? 0) - since.getTime())).toBe("1h");
  });

  it("fails a probe that does not end", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let calls = 0;
    const task = defineTask({
      identifier: "send",
      breaker: { failureThreshold: 1, resetTimeout: "100ms", maxHalfOpenWait: "200ms" },
      run: async () => {
        calls += 1;
        if (calls === 1) throw new Error("boom");
        await promise;
      },
    });
    const { api, worker } = await start([task]);
    await worker.addJobs([1, 2].map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(
      async () => (await api.history()).some(({ reason }) => reason === "a probe failed"),
      { timeout: 10_000 },
    );
    expect(api.state("send").lastError).toBe("a probe did not end within 200 ms");
    resolve();
  });
});

describe("run", () => {
  it("guards a call, opens the circuit, and throws while it is open", async () => {
    const { api } = await start([], {
      breaker: { dependencies: { crm: { failureThreshold: 2 } } },
    });
    const fail = () => api.run("crm", () => Promise.reject(new Error("boom")));
    expect(await api.run("crm", () => 7)).toBe(7);
    await expect(fail()).rejects.toThrow("boom");
    await expect(fail()).rejects.toThrow("boom");
    const error = await api.run("crm", () => 7).catch((thrown: unknown) => thrown);
    expect(isCircuitOpenError(error) && error.dependency).toBe("crm");
    expect(error).toMatchObject({ since: expect.any(Date), nextProbe: expect.any(Date) });
    expect(isUnknownDependencyError(await api.run("cmr", () => 7).catch((e: unknown) => e))).toBe(
      true,
    );
    await expect(api.run("cmr", () => 7)).rejects.toThrow('did you mean "crm"?');
  });

  it("says nothing about the dependency when its caller gave up", async () => {
    const { api } = await start([], {
      breaker: { dependencies: { crm: { failureThreshold: 1 } } },
    });
    const controller = new AbortController();
    const pending = api.run(
      "crm",
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { signal: controller.signal },
    );
    controller.abort(new Error("gone"));
    await expect(pending).rejects.toThrow("gone");
    expect(await api.run("crm", () => 1)).toBe(1);
  });

  it("is refused beyond maxUnderWay", async () => {
    const { api } = await start([], { breaker: { dependencies: { crm: { maxUnderWay: 1 } } } });
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = api.run("crm", () => promise);
    const error = await api.run("crm", () => 1).catch((thrown: unknown) => thrown);
    expect(isBreakerBusyError(error) && error.underWay).toBe(1);
    resolve();
    await first;
    expect(await api.run("crm", () => 1)).toBe(1);
  });

  it("is part of the call of the job, or the run, that it is made in", async () => {
    let api: Awaited<ReturnType<typeof start>>["api"] | undefined;
    const task = defineTask({
      identifier: "send",
      breaker: { dependency: "smtp" },
      run: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await api?.run("smtp", () => api?.run("smtp", () => 1));
      },
    });
    const started = await start([task], {
      breaker: {
        dependencies: { smtp: { maxUnderWay: 1, failureThreshold: 1, resetTimeout: "50ms" } },
      },
    });
    api = started.api;
    await started.waitFor(await started.enqueue(task, {}), "succeeded");
    await expect(api.run("smtp", () => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
    // The one probe there is: the job takes it, and what it calls needs no other.
    await started.enqueue(task, {});
    await vi.waitUntil(() => api?.state("smtp").state === "closed", { timeout: 5_000 });
  });
});
