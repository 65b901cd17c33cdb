import { createWorker, defineTask, type Worker } from "@oppulence/worker-core";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { startWithin } from "../src/index.ts";

/** A worker whose task notes what it ran, on a database of its own. */
async function startWorker(plugin = startWithin(), limit?: string) {
  const { url } = await testDatabase();
  const ran: unknown[] = [];
  const remind = defineTask({
    identifier: "remind",
    ...(limit !== undefined && { startWithin: limit }),
    run: (payload) => void ran.push(payload),
  });
  const worker = createWorker({
    connectionString: url,
    tasks: [remind],
    plugins: [plugin],
    config: false,
    handleSignals: false,
  });
  onTestFinished(() => worker.stop());
  return { worker, remind, ran };
}

/** Resolves once every job so far has left the queue. */
async function drained(worker: Worker) {
  await expect.poll(() => worker.engine.peek({ tasks: ["remind"] })).toEqual([]);
}

const addLate = (worker: Worker) =>
  worker.query<{ id: string }>(
    "select id from graphile_worker.add_job('remind', '{}', run_at => now() - interval '1 hour')",
  );

describe("startWithin", () => {
  it("skips a job that SQL added and that starts too late, and says why", async () => {
    const { worker, ran } = await startWorker(startWithin(), "5 minutes");
    await worker.start();
    const [job] = await addLate(worker);
    await drained(worker);
    expect(ran).toEqual([]);
    const { summary } = await worker.explain(job?.id ?? "");
    expect(summary).toMatch(/^skipped by startWithin: it had to start by \d{4}-/);
  });

  it("runs a job that starts in time", async () => {
    const { worker, remind, ran } = await startWorker(startWithin(), "5 minutes");
    await worker.start();
    await worker.addJob(remind, { about: "tea" });
    await drained(worker);
    expect(ran).toEqual([{ about: "tea" }]);
  });
});
