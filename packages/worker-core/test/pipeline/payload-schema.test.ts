import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type AnyPlugin, defineTask, type Schema } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { errorOf, idOf } from "../support/results.ts";
import { testWorker, until } from "../support/worker.ts";

const observer = plugin("observer", { afterRun: { run: () => {} } });
const setups: [string, AnyPlugin[]][] = [
  ["without hooks", []],
  ["with hooks", [observer]],
];

const plain = z.object({ to: z.email(), lines: z.array(z.object({ zip: z.number() })) });
const asynchronous = plain.refine(async ({ to }) => to !== "no@example.com", "is blocked");

/** A schema that answers by a promise of its own kind, as other vendors' may. */
const thenable: Schema<unknown> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({
      // biome-ignore lint/suspicious/noThenProperty: that is the point
      then: (resolve: (result: unknown) => void) =>
        resolve(value === "good" ? { value } : { issues: [{ message: "is not good" }] }),
    }),
  } as Schema<unknown>["~standard"],
};

describe("a payload's schema", () => {
  it.each(setups)(
    "hands its output to the task and leaves the stored payload, %s",
    async (_, plugins) => {
      const seen: unknown[] = [];
      const task = defineTask({
        identifier: "t",
        payload: z.object({
          at: z.iso.datetime().transform((text) => new Date(text)),
          size: z.number().default(10),
        }),
        run: (payload) => void seen.push(payload),
      });
      const { worker, jobs } = await testWorker({ tasks: [task], plugins });
      const at = "2030-01-01T00:00:00Z";
      await worker.addJob(task, { at });
      expect((await jobs())[0]?.payload).toEqual({ at });
      await worker.start();
      await until(() => seen.length === 1, "the task ran");
      expect(seen).toEqual([{ at: new Date(at), size: 10 }]);
    },
  );

  it.each(
    setups.flatMap(([name, plugins]) => [
      [`synchronous, ${name}`, plain, plugins] as const,
      [`asynchronous, ${name}`, asynchronous, plugins] as const,
    ]),
  )(
    "exhausts a job that SQL added with a wrong payload, with addJob's message: %s",
    async (_, schema, plugins) => {
      let runs = 0;
      const task = defineTask({ identifier: "t", payload: schema, run: () => void runs++ });
      const { worker, jobs, sql } = await testWorker({ tasks: [task], plugins });
      const payload = { to: "nobody", lines: [{ zip: 1 }, { zip: "2" }] };
      const error = await errorOf(worker.addJob(task, payload as never));
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", task: "t" });
      expect(error.message).toMatch(
        /^payload of task "t" does not match its schema: to: .*; lines\[1\]\.zip: /,
      );
      expect(await jobs()).toEqual([]);

      const exhausted = eventsOf(worker.events, "job:exhausted");
      await sql("select graphile_worker.add_job('t', $1)", [JSON.stringify(payload)]);
      await worker.start();
      await until(() => exhausted.length === 1, "the job failed");
      await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
      expect(await jobs()).toMatchObject([
        { attempts: 25, max_attempts: 25, last_error: error.message, payload },
      ]);
      expect(runs).toBe(0);
    },
  );

  it.each(setups)("may answer with a promise, %s", async (_, plugins) => {
    const seen: unknown[] = [];
    const run = (payload: unknown) => void seen.push(payload);
    const { worker } = await testWorker({
      tasks: [
        defineTask({ identifier: "zod", payload: asynchronous, run }),
        defineTask({ identifier: "own", payload: thenable, run }),
      ],
      plugins,
    });
    const good = { to: "a@example.com", lines: [] };
    await worker.start();
    await worker.addJobs([
      { task: "zod", payload: good },
      { task: "own", payload: "good" },
    ]);
    await until(() => seen.length === 2, "both tasks ran");
    expect(seen).toContainEqual(good);
    expect(seen).toContain("good");
    const blocked = worker.addJob("zod", { to: "no@example.com", lines: [] });
    expect((await errorOf(blocked)).message).toContain("is blocked");
    const bad = await errorOf(worker.addJobs([{ task: "own", payload: "bad" }]));
    expect(bad).toMatchObject({ code: "INVALID_PAYLOAD" });
    expect(bad.message).toContain("is not good");
  });

  it.each(setups)(
    "that throws is a bug of its own, and costs an attempt, %s",
    async (_, plugins) => {
      const broken = z.string().refine(() => {
        throw new Error("no database");
      });
      const task = defineTask({ identifier: "t", payload: broken, run: () => {} });
      const { worker, jobs, sql } = await testWorker({ tasks: [task], plugins });
      expect((await errorOf(worker.addJob(task, "x"))).message).toBe("no database");
      const failed = eventsOf(worker.events, "job:failed");
      await sql("select graphile_worker.add_job('t', '\"x\"')");
      await worker.start();
      await until(() => failed.length === 1, "the attempt failed");
      await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
      expect(await jobs()).toMatchObject([{ attempts: 1, last_error: "no database" }]);
    },
  );

  it("is not asked again about what a plugin puts in the payload's place", async () => {
    const task = defineTask({
      identifier: "t",
      payload: z.object({ n: z.number() }),
      run: () => {},
    });
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("encrypt", {
          beforeEnqueue: {
            phase: "shape",
            onError: "closed",
            run: () => ({ kind: "continue", patch: { payload: "sealed" } }),
          },
        }),
      ],
    });
    const id = idOf(await worker.addJob(task, { n: 1 }));
    expect(await jobs()).toMatchObject([{ id, payload: "sealed" }]);
  });
});
