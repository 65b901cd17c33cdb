import { createClient, declareTask, defineTask, notify } from "@oppulence/worker-core";
import { createHarness, spawnWorker } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CANCEL_CHANNEL, decodeMessage, encodeRequest } from "../src/cancel-message.ts";
import { isJobCancelledError, retries } from "../src/index.ts";
import { gate, startWorker } from "./start-worker.ts";

const idOf = (added: unknown) => (added as { id: string }).id;
const reaches = (condition: () => boolean) =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

/** A task that runs until its signal aborts, and then does what it is told. */
function waiting(then: (reason: unknown) => unknown = (reason) => Promise.reject(reason)) {
  const started = gate();
  const task = defineTask({
    identifier: "wait",
    run: async (_, { signal }) => {
      started.open();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return then(signal.reason);
    },
  });
  return { task, started };
}

describe("cancel, in one process", () => {
  it("ends a job that runs: its task is told, and what it throws ends the job for good", async () => {
    const reasons: unknown[] = [];
    const { task, started } = waiting((reason) => {
      reasons.push(reason);
      throw new Error("stopped half way");
    });
    const { enqueue, waitFor, worker } = await startWorker([task]);
    const id = idOf(await enqueue(task, {}));
    await started.opened;
    expect(await worker.plugins.retry.cancel(id, "wrong customer")).toEqual([id]);
    const { job, note } = await waitFor(id, "failed");
    expect(reasons.map(isJobCancelledError)).toEqual([true]);
    expect(job?.last_error).toBe("stopped half way");
    expect(note).toMatchObject({
      plugin: "retry",
      code: "CANCELLED",
      message: "cancelled: wrong customer",
    });
  });

  it("leaves a job whose task returns all the same: it has succeeded", async () => {
    const { task, started } = waiting(() => "done");
    const { enqueue, waitFor, worker } = await startWorker([task]);
    const id = idOf(await enqueue(task, {}));
    await started.opened;
    await worker.plugins.retry.cancel([id]);
    await waitFor(id, "succeeded");
  });

  it("is what the worker's own cancel asks for jobs that run", async () => {
    const { task, started } = waiting();
    const { enqueue, waitFor, worker } = await startWorker([task]);
    const running = idOf(await enqueue(task, {}));
    const later = idOf(await enqueue(task, {}, { runAt: new Date(Date.now() + 3_600_000) }));
    await started.opened;
    const report = await worker.cancel([running, later, "999"]);
    expect(report).toEqual({ removed: [later], told: [running], missed: ["999"] });
    const { note } = await waitFor(running, "failed");
    expect(note).toMatchObject({ code: "CANCELLED", message: "cancelled" });
  });

  it("stops a job that was claimed but not started, and no later claim of it", async () => {
    const { task, started } = waiting();
    const ran: unknown[] = [];
    const next = defineTask({ identifier: "next", run: (payload) => void ran.push(payload) });
    const { enqueue, waitFor, worker } = await startWorker([task, next], {
      worker: { concurrentJobs: 1, localQueue: { size: 10 } },
      retry: { backoff: [0] },
    });
    const first = idOf(await enqueue(task, {}, { priority: -1 }));
    await started.opened;
    const second = idOf(await enqueue(next, "second"));
    await vi.waitUntil(async () => (await worker.engine.get(second))?.state === "running", {
      timeout: 20_000,
      interval: 10,
    });
    expect(await worker.plugins.retry.cancel([second, first])).toEqual([second, first]);
    const { note } = await waitFor(second, "failed");
    expect(note).toMatchObject({ plugin: "retry", code: "CANCELLED" });
    expect(ran).toEqual([]);

    await worker.engine.reschedule([second], { runAt: new Date(), attempts: 0 });
    await waitFor(second, "succeeded");
    expect(ran).toEqual(["second"]);
  });

  it("leaves jobs that wait, and ids of none, at once", async () => {
    const { task } = waiting();
    const { enqueue, worker } = await startWorker([task], { retry: { cancelTimeout: "1m" } });
    const later = idOf(await enqueue(task, {}, { runAt: new Date(Date.now() + 3_600_000) }));
    expect(await worker.plugins.retry.cancel([later, "999"])).toEqual([]);
    expect((await worker.explain(later)).state).toBe("scheduled");
  });
});

describe("cancel, of another process", () => {
  const module = new URL("./cancel-child.ts", import.meta.url);
  const idle = defineTask({ identifier: "idle", run: () => {} });

  /** A worker of another task in this process, and a child that runs jobs. */
  async function withChild(jobs: number, options: { poolSize?: number } = {}) {
    const harness = await startWorker([idle], { retry: { cancelTimeout: "20s" } });
    const child = spawnWorker(module, { database: harness.database, ...options });
    onTestFinished(async () => void (await child.kill()));
    await child.ready;
    const ids: string[] = [];
    for (let index = 0; index < jobs; index++)
      ids.push(
        await harness.enqueueSql("wait", { ends: index % 2 === 0 ? "throwing" : "returning" }),
      );
    for (const id of ids)
      await child.waitFor((event) => event.name === "job:started" && event.id === id);
    return { harness, child, ids };
  }

  it("tells the process that runs them, and who was told", async () => {
    const { harness, child, ids } = await withChild(2);
    const [throwing, returning] = ids as [string, string];
    expect(await harness.worker.plugins.retry.cancel([...ids, "999"], "über 🚀")).toEqual(ids);
    await child.waitFor(({ name, id }) => name === "job:exhausted" && id === throwing);
    await child.waitFor(({ name, id }) => name === "job:succeeded" && id === returning);
    const { note } = await harness.waitFor(throwing, "failed");
    expect(note).toMatchObject({ code: "CANCELLED", message: "cancelled: über 🚀" });
  });

  it("works from a client, which listens for the answer only", async () => {
    const { harness, ids } = await withChild(1);
    const client = createClient({
      connectionString: harness.database.url,
      config: false,
      tasks: [declareTask({ identifier: "wait" })],
      plugins: [retries()],
    });
    onTestFinished(() => client.stop());
    const { told } = await client.cancel(ids, "from a client");
    expect(told).toEqual(ids);
    await harness.waitFor(ids[0] as string, "failed");
  });

  it("tells nobody, after its timeout, when the process is gone", async () => {
    const { harness, child, ids } = await withChild(1);
    await child.kill("SIGKILL");
    const client = createClient({
      connectionString: harness.database.url,
      config: false,
      tasks: [declareTask({ identifier: "wait" })],
      plugins: [retries({ cancelTimeout: 100 })],
    });
    onTestFinished(() => client.stop());
    expect(await client.plugins.retry.cancel(ids)).toEqual([]);
  });

  it("takes no connection of the pool, however small that is", async () => {
    const { harness, ids } = await withChild(1, { poolSize: 2 });
    expect(await harness.worker.plugins.retry.cancel(ids)).toEqual(ids);
  });
});

describe("listening for cancelled jobs", () => {
  const LISTENERS =
    "select pid from pg_stat_activity where application_name = 'oppulence_worker_cancel' and datname = current_database()";

  it("connects again when its connection breaks, and says so once", async () => {
    const { task, started } = waiting();
    const { sql, worker, enqueue, waitFor, logs } = await startWorker([task]);
    const [listener] = await sql<{ pid: number }>(LISTENERS);
    await sql("select pg_terminate_backend($1)", [listener?.pid]);
    await reaches(() => logs.some(({ message }) => message === "hears of cancelled jobs again"));
    const warnings = logs.filter(({ message }) =>
      message.startsWith("cannot hear of cancelled jobs"),
    );
    expect(warnings).toHaveLength(1);
    const id = idOf(await enqueue(task, {}));
    await started.opened;
    expect(await worker.plugins.retry.cancel(id)).toEqual([id]);
    await waitFor(id, "failed");
  });

  it("is left out with listen: false, and what runs here can be cancelled all the same", async () => {
    const { task, started } = waiting();
    const { sql, worker, enqueue, waitFor } = await startWorker([task], {
      retry: { listen: false },
    });
    expect(await sql("select from pg_stat_activity where query ilike 'listen oppulence%'")).toEqual(
      [],
    );
    const id = idOf(await enqueue(task, {}));
    await started.opened;
    expect(await worker.plugins.retry.cancel(id)).toEqual([id]);
    await waitFor(id, "failed");
  });

  it("passes over what others write to its channel", async () => {
    const { task, started } = waiting();
    await using harness = await createHarness({ tasks: [task], plugins: [retries()] });
    const id = idOf(await harness.enqueue(task, {}));
    await started.opened;
    await harness.sql("select pg_notify('oppulence_worker_cancel', 'hello')");
    await harness.sql("select pg_notify('oppulence_worker_cancel', $1)", [
      JSON.stringify({ v: 1, cancel: "r", reason: "x", claims: [["no id", "pool", 0]] }),
    ]);
    expect(await harness.worker.plugins.retry.cancel(id)).toEqual([id]);
    await harness.waitFor(id, "failed");
  });

  it("answers at once that a claim has ended, so that nobody waits", async () => {
    const { task, started } = waiting();
    const { sql, pool, enqueue } = await startWorker([task]);
    const id = idOf(await enqueue(task, {}));
    await started.opened;
    const [row] = await sql<{ locked_by: string }>(
      "select locked_by from graphile_worker.jobs where id = $1",
      [id],
    );
    const listener = await pool.connect();
    onTestFinished(() => listener.release(true));
    const answer = Promise.withResolvers<unknown>();
    listener.on("notification", ({ payload }) => {
      const message = decodeMessage(payload);
      if (message?.kind === "answer") answer.resolve(message);
    });
    await listener.query("listen oppulence_worker_cancel");
    const claims = ["999", id].map((each) => ({
      id: each,
      pool: row?.locked_by as string,
      lockedAtMs: 0,
    }));
    const request = encodeRequest({ kind: "cancel", request: "r", reason: "x", claims });
    await notify(sql, CANCEL_CHANNEL, request);
    expect(await answer.promise).toEqual({
      kind: "answer",
      request: "r",
      told: [id],
      missed: ["999"],
    });
  });
});
