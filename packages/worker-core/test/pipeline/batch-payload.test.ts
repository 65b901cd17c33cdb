import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { type AnyPlugin, defineTask, exhaust, retry } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

/** Fails for odd numbers, each entry on its own. */
const odd = defineTask({
  identifier: "odd",
  payload: z.array(z.object({ n: z.number() }).transform(({ n }) => ({ n, doubled: 2 * n }))),
  run: async (entries) =>
    entries.map(async ({ n }) => {
      if (n % 2 === 1) throw new Error(`${n} is odd`);
      return n;
    }),
});
const observer = plugin("observer", { afterRun: { run: () => {} } });
const entries = [1, 2, 3, 4].map((n) => ({ n }));

async function run(plugins: readonly AnyPlugin[], payload = entries) {
  const started = await testWorker({ tasks: [odd], plugins });
  const { worker, jobs } = started;
  const ended = [
    eventsOf(worker.events, "job:failed"),
    eventsOf(worker.events, "job:exhausted"),
    eventsOf(worker.events, "job:succeeded"),
  ];
  await worker.addJob(odd, payload, { maxAttempts: 3 });
  await worker.start();
  await until(() => ended.flat().length > 0, "the job ended");
  await until(async () => (await jobs()).every((job) => job.locked_at === null), "it is written");
  return started;
}

describe("a job whose payload is an array", () => {
  it.each<[string, AnyPlugin[]]>([
    ["without hooks", []],
    ["with hooks", [observer]],
  ])("keeps, %s, only the entries that failed, as the producer gave them", async (_, plugins) => {
    const { jobs } = await run(plugins);
    expect(await jobs()).toMatchObject([
      {
        attempts: 1,
        payload: [{ n: 1 }, { n: 3 }],
        last_error: "Batch failures:\n1 is odd\n3 is odd",
      },
    ]);
    expect((await jobs())[0]?.payload).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it.each<[string, AnyPlugin[]]>([
    ["without hooks", []],
    ["with hooks", [observer]],
  ])("is done, %s, once every entry succeeded", async (_, plugins) => {
    const { jobs, logs } = await run(plugins, [{ n: 2 }, { n: 4 }]);
    expect(await jobs()).toEqual([]);
    expect(logs).not.toContainEqual({ level: "error", message: expect.any(String) });
  });

  it("gives onFailure all errors, and no afterRun", async () => {
    const errors: unknown[] = [];
    const after: unknown[] = [];
    await run([
      plugin("see", {
        afterRun: { run: (input) => void after.push(input) },
        onFailure: { run: ({ error }) => void errors.push(error) },
      }),
    ]);
    expect(errors).toHaveLength(1);
    expect((errors[0] as AggregateError).errors.map((error) => (error as Error).message)).toEqual([
      "1 is odd",
      "3 is odd",
    ]);
    expect(after).toEqual([]);
  });

  it("is retried when a plugin says, with the entries that failed", async () => {
    const at = new Date(Date.now() + 3_600_000);
    const { jobs } = await run([plugin("retry", { onFailure: { run: () => retry(at) } })]);
    expect(await jobs()).toMatchObject([
      { attempts: 1, run_at: at, last_error: "Batch failures:\n1 is odd\n3 is odd" },
    ]);
    expect((await jobs())[0]?.payload).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it("fails for good when a plugin exhausts it, with the entries that failed", async () => {
    const { jobs } = await run([
      plugin("stop", { onFailure: { run: () => exhaust({ code: "NO", message: "no" }) } }),
    ]);
    expect(await jobs()).toMatchObject([
      { attempts: 3, max_attempts: 3, last_error: "Batch failures:\n1 is odd\n3 is odd" },
    ]);
    expect((await jobs())[0]?.payload).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it("is taken for done, as in graphile-worker, when the result has another length", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const short = defineTask({ identifier: "short", run: () => [Promise.resolve()] });
    const { worker, jobs } = await testWorker({ tasks: [short], plugins: [observer] });
    await worker.addJob(short, [1, 2]);
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(warn.mock.calls[0]?.[0]).toContain("Task 'short' has invalid return value");
  });
});
