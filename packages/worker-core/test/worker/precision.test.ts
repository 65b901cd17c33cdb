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
    // A tenth of the poll interval: without the wake-up most of them would be later. The benchmark has the figure.
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(late.sort((a, b) => a - b)[2]).toBeLessThan(200);
  });
});
