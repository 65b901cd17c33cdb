import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, isInvalidPayloadError, isUnknownTaskError } from "../../src/index.ts";
import { errorOf, idOf } from "../support/results.ts";
import { testWorker, until } from "../support/worker.ts";

const any = defineTask({ identifier: "any", run: () => {} });
const send = defineTask({
  identifier: "send_email",
  payload: z.strictObject({
    to: z.email(),
    lines: z.array(z.object({ zip: z.string() })).optional(),
  }),
  run: () => {},
});

const producer = () => testWorker({ tasks: [any, send] });

describe("addJob, a wrong payload", () => {
  it("names task, path, what was got and what would be right; nothing is written", async () => {
    const { worker, jobs, sql } = await producer();
    const payload = { to: "nobody", lines: [{ zip: "1" }, { zip: 2 }], cc: "x" } as never;
    const error = await errorOf(worker.addJob(send, payload));
    expect(isInvalidPayloadError(error)).toBe(true);
    expect(error).toMatchObject({
      name: "InvalidPayloadError",
      code: "INVALID_PAYLOAD",
      task: "send_email",
    });
    expect(error.message).toMatch(/^payload of task "send_email" does not match its schema: /);
    expect(error.message).toContain('to: Invalid email address, got "nobody"');
    expect(error.message).toContain("lines[1].zip: expected string");
    expect(error.message).toContain('unknown option "cc"');
    const second = await errorOf(
      worker.addJobs([
        { task: send, payload: { to: "a@example.com" } },
        { task: send, payload },
      ]),
    );
    expect(second.message).toBe(`jobs[1]: ${error.message}`);
    expect(await jobs()).toEqual([]);
    expect(await sql("select identifier from graphile_worker._private_tasks")).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ["a BigInt", { n: 1n }, "it cannot be written as JSON: Do not know how to serialize a BigInt"],
    ["a function", () => {}, "it cannot be written as JSON: got a function"],
    ["a symbol", Symbol("x"), "it cannot be written as JSON: got a symbol"],
    [
      "a toJSON that throws",
      {
        toJSON() {
          throw new Error("not today");
        },
      },
      "it cannot be written as JSON: not today",
    ],
  ])("says of %s that it cannot be written", async (_, payload, problem) => {
    const { worker, jobs } = await producer();
    const error = await errorOf(
      worker.addJobs([
        { task: any, payload: 1 },
        { task: any, payload },
      ]),
    );
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", task: "any" });
    expect(error.message).toContain("jobs[1]: ");
    expect(error.message).toContain(problem);
    expect(await jobs()).toEqual([]);
  });

  it("says of a circular one where the circle is", async () => {
    const { worker, jobs } = await producer();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const error = await errorOf(worker.addJob(any, circular));
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD" });
    expect(error.message).toContain("circular structure");
    expect(error.message).toContain("'self'");
    expect(await jobs()).toEqual([]);
  });
});

describe("addJob, an unusual payload", () => {
  const huge = { text: "ü".repeat(1_000_000) };
  const polluting = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}');

  it.each<[string, unknown]>([
    ["an array", [1, [2, { three: 3 }]]],
    ["an empty array", []],
    ["null", null],
    ["a text", "text"],
    ["a number", -1.5e300],
    ["a boolean", false],
    ["1 MB of two-byte characters", huge],
    ["unicode, quotes and control characters", { "\u{1F600}é": "'\"\\\u0000\u0001\ud800\u2028" }],
    ["__proto__ and constructor", polluting],
  ])("stores %s as it is, and hands it to the task", async (_, payload) => {
    const seen: unknown[] = [];
    const task = defineTask({ identifier: "t", run: (given) => void seen.push(given) });
    const { worker, sql } = await testWorker({ tasks: [task] });
    const [id] = (await worker.addJobs([{ task, payload }])).map(idOf);
    const [row] = await sql<{ text: string }>(
      "select payload::text as text from graphile_worker._private_jobs where id = $1",
      [id],
    );
    expect(row?.text).toBe(JSON.stringify(payload));
    await worker.start();
    await until(() => seen.length === 1, "the task ran");
    expect(JSON.stringify(seen[0])).toBe(JSON.stringify(payload));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("writes what JSON has no word for as JSON.stringify does", async () => {
    const { worker, jobs } = await producer();
    const date = new Date("2030-01-01T00:00:00Z");
    await worker.addJob(any, { nan: Number.NaN, date, gone: undefined, map: new Map([[1, 2]]) });
    expect((await jobs())[0]?.payload).toEqual({ nan: null, date: date.toISOString(), map: {} });
  });
});

describe("addJob, an unknown task", () => {
  it("names the one that was probably meant, and those that are known", async () => {
    const { worker, jobs } = await producer();
    const error = await errorOf(worker.addJob("send_emial", {}));
    expect(isUnknownTaskError(error)).toBe(true);
    expect(error).toMatchObject({
      name: "UnknownTaskError",
      code: "UNKNOWN_TASK",
      task: "send_emial",
      message:
        'unknown task "send_emial", did you mean "send_email"?; known: any, send_email. Add the task to `tasks`, or declare it with declareTask if another program runs it',
    });
    const foreign = defineTask({ identifier: "foreign", run: () => {} });
    await expect(worker.addJob(foreign, {})).rejects.toMatchObject({ task: "foreign" });
    for (const task of [undefined, null, 5, {}])
      await expect(worker.addJob(task as never as string, {})).rejects.toMatchObject({
        code: "UNKNOWN_TASK",
      });
    expect(await jobs()).toEqual([]);
  });

  it("is left alone in the queue by a worker that does not know it", async () => {
    const { worker, jobs, sql } = await producer();
    await sql("select graphile_worker.add_job('unknown')");
    const known = await worker.addJob(any, {});
    await worker.start();
    await until(async () => (await worker.engine.get(idOf(known))) === undefined, "the known ran");
    expect(await jobs()).toMatchObject([{ task_identifier: "unknown", attempts: 0 }]);
  });
});
