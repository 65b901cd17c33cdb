import { describe, expect, it } from "vitest";
import { defer, definePlugin, defineTask } from "../../src/index.ts";
import { testWorker, until } from "../support/worker.ts";

describe("a deferred job", () => {
  it.each([
    ["one job at a time", {}],
    ["local queue", { localQueue: { size: 10 } }],
  ])("starts when it is due, not at the next poll: %s", async (_mode, engine) => {
    const dueAt = new Map<string, number>();
    const late: number[] = [];
    const once = definePlugin({
      name: "once",
      producers: "enforced-at-run",
      setup: () => ({
        beforeRun: {
          phase: "gate",
          onError: "closed",
          run: ({ job }) => {
            if (dueAt.has(job.id)) return undefined;
            dueAt.set(job.id, Number.NaN);
            return defer({ after: 200 }, { code: "ONCE", message: "once" });
          },
        },
      }),
    });
    const task = defineTask({
      identifier: "t",
      run: (_payload, { job }) => void late.push(Date.now() - (dueAt.get(job.id) as number)),
    });
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [once],
      worker: { pollInterval: 2_000, ...engine },
    });
    worker.events.on("job:deferred", ({ job, until: due }) => dueAt.set(job.id, due.getTime()));
    await worker.start();
    for (let n = 1; n <= 5; n++) {
      await worker.addJob(task, {});
      await until(() => late.length === n, "the deferred job ran");
    }
    // A fifth of the poll interval: without the wake-up most of them would be later. The benchmark has the figure.
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(late.sort((a, b) => a - b)[2]).toBeLessThan(400);
  });
});

describe("engine.wake", () => {
  it("has workers find jobs that have come due, long before they would look", async () => {
    let runs = 0;
    const task = defineTask({
      identifier: "t",
      run: () => {
        runs += 1;
      },
    });
    const { worker, sql } = await testWorker({ tasks: [task], worker: { pollInterval: 600_000 } });
    await worker.start();
    const runAt = new Date(Date.now() + 300);
    await worker.addJob(task, {}, { runAt });
    await until(
      async () => (await sql("select where now() > $1", [runAt])).length > 0,
      "the job was due",
    );
    // A worker that has only just started may not be listening yet.
    await until(async () => {
      await worker.engine.wake(1);
      return runs > 0;
    }, "the job ran");
  });
});
