import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineTask, isInvalidJobError, isInvalidOptionsError } from "../../src/index.ts";
import { errorOf } from "../support/results.ts";
import { testWorker } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });
const manyLabels = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, ""]));

const wrong: [string, object, string][] = [
  ["priority", { priority: 32_768 }, "priority got 32768; it is an integer from -32768 to 32767"],
  ["priority", { priority: -32_769 }, "priority got -32769;"],
  ["priority", { priority: 1.5 }, "priority got 1.5;"],
  ["priority", { priority: "1" }, 'priority got "1";'],
  ["priority", { priority: Number.NaN }, "priority got NaN;"],
  ["maxAttempts", { maxAttempts: 0 }, "maxAttempts got 0; it is an integer from 1 to 32767"],
  ["maxAttempts", { maxAttempts: 32_768 }, "maxAttempts got 32768;"],
  ["maxAttempts", { maxAttempts: Number.POSITIVE_INFINITY }, "maxAttempts got Infinity;"],
  ["jobKey", { jobKey: "" }, 'jobKey got ""; it is a string of 1 to 512 characters'],
  ["jobKey", { jobKey: "x".repeat(513) }, 'jobKey got "xxx'],
  ["jobKey", { jobKey: 5 }, "jobKey got 5;"],
  ["jobKey", { jobKey: "a\0b" }, 'jobKey got "a\\u0000b";'],
  ["jobKey", { jobKey: "\ud800" }, 'jobKey got "\\ud800";'],
  [
    "jobKeyMode",
    { jobKey: "k", jobKeyMode: "replce" },
    'jobKeyMode got "replce"; it is one of replace, preserve_run_at, unsafe_dedupe',
  ],
  ["queueName", { queueName: "q".repeat(129) }, 'queueName got "qqq'],
  ["queueName", { queueName: "" }, 'queueName got ""; it is a string of 1 to 128 characters'],
  ["queueName", { queueName: "\udc00" }, 'queueName got "\\udc00";'],
  [
    "runAt",
    { runAt: new Date(Number.NaN) },
    "runAt got an invalid Date; it is a valid Date of the years 1 to 9999",
  ],
  ["runAt", { runAt: "2030-01-01" }, 'runAt got "2030-01-01";'],
  ["runAt", { runAt: 1_900_000_000_000 }, "runAt got 1900000000000;"],
  ["runAt", { runAt: new Date(8.64e15) }, "runAt got +275760-09-13T00:00:00.000Z;"],
  ["runAt", { runAt: new Date(-8.64e15) }, "runAt got -271821-04-20T00:00:00.000Z;"],
  [
    "flags",
    { flags: "fast" },
    'flags got "fast"; it is an array of strings of 1 to 512 characters',
  ],
  ["flags", { flags: [""] }, 'flags got [""];'],
  ["flags", { flags: ["\ud800"] }, 'flags got ["\\ud800"];'],
  ["labels", { labels: "tenant=acme" }, 'labels got "tenant=acme"; they are an object of strings'],
  ["labels", { labels: ["a"] }, 'labels got ["a"];'],
  ["labels", { labels: { "9a": "x" } }, 'got the label name "9a"; a name is 1 to 64 characters of'],
  ["labels", { labels: { "a b": "x" } }, 'got the label name "a b";'],
  ["labels", { labels: { ["n".repeat(65)]: "x" } }, 'got the label name "nnn'],
  ["labels", { labels: { tenant: 5 } }, "label tenant got number; a value is a string"],
  [
    "labels",
    { labels: { tenant: "x".repeat(257) } },
    "label tenant got 257 characters; at most 256 are allowed",
  ],
  [
    "labels",
    { labels: { tenant: "a\nb" } },
    "label tenant got a control character; none are allowed",
  ],
  ["labels", { labels: { tenant: "\ud800" } }, "label tenant got half of a surrogate pair"],
  ["labels", { labels: manyLabels }, "got 33 labels; at most 32 are allowed"],
];

describe("addJob, options out of range", () => {
  it("names field, what was got and what would be right, and writes nothing", async () => {
    const { worker, jobs, sql } = await testWorker({ tasks: [task] });
    for (const [, options, message] of wrong) {
      const error = await errorOf(worker.addJob(task, {}, options));
      expect(isInvalidJobError(error), message).toBe(true);
      expect(error).toMatchObject({ name: "InvalidJobError", code: "INVALID_JOB" });
      expect(error.message.slice(0, message.length)).toBe(message);
      expect(error.message.length).toBeLessThan(300);
      const batch = worker.addJobs([
        { task, payload: {} },
        { task, payload: {}, ...options },
      ]);
      expect((await errorOf(batch)).message).toBe(`jobs[1]: ${error.message}`);
    }
    expect(await jobs()).toEqual([]);
    expect(await sql("select queue_name from graphile_worker._private_job_queues")).toEqual([]);
  });

  it("takes everything within range, to its ends", async () => {
    const { worker, jobs } = await testWorker({ tasks: [task] });
    const edges = [
      { priority: 32_767, maxAttempts: 32_767, jobKey: "\u{1F600}".repeat(256) },
      { priority: -32_768, maxAttempts: 1, queueName: "\u{1F600}".repeat(64), jobKey: "'\"\\" },
      { runAt: new Date("0001-01-01T00:00:00Z"), flags: ["x".repeat(512)] },
      { runAt: new Date("9999-12-31T23:59:59.999Z"), flags: ["=", "\t"] },
      { labels: { a: "", ["n".repeat(64)]: "v".repeat(256) } },
      {
        labels: Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`l${n}`, "\u{1F600}"])),
      },
    ];
    await worker.addJobs(edges.map((options) => ({ task, payload: {}, ...options })));
    for (const options of edges) await worker.addJob(task, {}, options);
    // Each once by addJobs and once by addJob; those with a key only once.
    expect(await jobs()).toHaveLength(2 * edges.length - 2);
  });

  it("either refuses options or has them stored, whatever they are", async () => {
    const { worker } = await testWorker({ tasks: [task] });
    const odd = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.integer(),
      fc.double(),
      fc.date({ noInvalidDate: false }),
      fc.constantFrom(undefined, "", "\0", "\ud800", true),
    );
    const options = fc.record(
      {
        priority: odd,
        maxAttempts: odd,
        queueName: odd,
        runAt: odd,
        jobKey: odd,
        labels: fc.dictionary(fc.string({ maxLength: 5 }), odd as fc.Arbitrary<string>, {
          maxKeys: 3,
        }),
        flags: fc.array(odd as fc.Arbitrary<string>, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const error = await worker.addJob(task, {}, given as never).catch((thrown) => thrown);
        if (error instanceof Error) expect(isInvalidJobError(error)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("names an option that does not exist, and the one probably meant", async () => {
    const { worker, jobs } = await testWorker({ tasks: [task] });
    const one = await errorOf(worker.addJob(task, {}, { prioritty: 1, maxAttempts: 2 } as never));
    expect(isInvalidOptionsError(one)).toBe(true);
    expect(one).toMatchObject({
      name: "InvalidOptionsError",
      code: "INVALID_OPTIONS",
      message: 'addJob: unknown option "prioritty", did you mean "priority"?',
    });
    const many = await errorOf(
      worker.addJobs([{ task, payload: 1 }, { task, payload: 1, runat: new Date() } as never]),
    );
    expect(many.message).toBe('jobs[1]: unknown option "runat", did you mean "runAt"?');
    const outside = await errorOf(worker.addJobs([{ task, payload: 1 }], { clinet: 1 } as never));
    expect(outside.message).toBe('addJobs: unknown option "clinet", did you mean "client"?');
    expect(await jobs()).toEqual([]);
  });

  it("says what addJobs takes, when it gets something else", async () => {
    const { worker, jobs } = await testWorker({ tasks: [task] });
    for (const [given, message] of [
      [undefined, "addJobs got undefined; it takes an array of { task, payload }"],
      [{ task, payload: 1 }, "addJobs got object; it takes an array of { task, payload }"],
      [[null], "jobs[0]: got null; a job is { task, payload }"],
      [[{ task, payload: 1 }, "t"], 'jobs[1]: got "t"; a job is { task, payload }'],
    ] as const)
      await expect(worker.addJobs(given as never)).rejects.toMatchObject({
        code: "INVALID_JOB",
        message,
      });
    expect(await jobs()).toEqual([]);
  });
});

describe("addJob, a wrong client", () => {
  const right = "pass a pg client in a transaction, or a function (text, values) => rows";

  it("is named, and nothing is written", async () => {
    const { worker, jobs, pool } = await testWorker({ tasks: [task] });
    const wrongClients: [unknown, string][] = [
      ["postgres://user:secret@host/db", `client got "postgres://user:***@host/db"; ${right}`],
      [5, `client got 5; ${right}`],
      [{}, `client got {}; ${right}`],
      [null, `client got null; ${right}`],
      [pool, `client got a pool, which has no transaction of its own; ${right}`],
    ];
    for (const [client, message] of wrongClients) {
      const add = worker.addJob(task, {}, { client: client as never });
      await expect(add).rejects.toMatchObject({ code: "INVALID_JOB", message });
      const batch = worker.addJobs([{ task, payload: {} }], { client: client as never });
      await expect(batch).rejects.toMatchObject({ code: "INVALID_JOB", message });
    }
    expect(await jobs()).toEqual([]);
  });

  it("that cannot be asked any more brings the driver's own error", async () => {
    const { worker, jobs, pool } = await testWorker({ tasks: [task] });
    const ended = await pool.connect();
    ended.release(true);
    await errorOf(worker.addJob(task, {}, { client: ended }));
    const throws = worker.addJob(task, {}, { client: () => Promise.reject(new Error("closed")) });
    await expect(throws).rejects.toThrow("closed");
    const silent = worker.addJob(task, {}, { client: (async () => undefined) as never });
    await expect(silent).rejects.toThrow(
      "client: the function resolved to undefined; it resolves to the statement's rows, or to an object with rows",
    );
    expect(await jobs()).toEqual([]);
  });
});
