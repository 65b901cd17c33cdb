import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { type AnyTask, createWorker, declareTask, defineTask } from "../../src/index.ts";
import { NOWHERE, problemsOf } from "../support/configuration.ts";
import { plugin } from "../support/plugins.ts";
import { quietLogger } from "../support/worker.ts";

const task = (identifier: string, options: object = {}): AnyTask =>
  defineTask({ identifier, ...options, run: () => {} });

describe("createWorker, tasks", () => {
  it("refuses a task that is defined twice, and says where", () => {
    expect(
      problemsOf({
        tasks: [task("a"), task("a"), task("b")],
        plugins: [plugin("saga", { tasks: [task("b"), task("c")] })],
      }),
    ).toEqual([
      'task "a" is defined twice in tasks',
      'task "b" is defined twice: in tasks and in plugin saga',
    ]);
    expect(problemsOf({ tasks: [task("a")], taskList: { a: () => {} } })).toEqual([
      'task "a" is defined twice: in tasks and in taskList',
    ]);
  });

  it("refuses at start a task of the directory that is defined in code", async () => {
    const taskDirectory = await mkdtemp(join(tmpdir(), "oppulence-tasks-"));
    onTestFinished(() => rm(taskDirectory, { recursive: true }));
    await writeFile(join(taskDirectory, "a.js"), "export default () => {};");
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      logger: quietLogger(),
      tasks: [task("a")],
      worker: { taskDirectory },
    });
    await expect(worker.start()).rejects.toMatchObject({
      code: "INVALID_CONFIGURATION",
      message: `task "a" is defined twice: in code and in ${taskDirectory}`,
    });
    await worker.stop();
  });

  it("takes only what defineTask returns", () => {
    const rest =
      "a task is what defineTask returns (plain graphile-worker functions go into taskList)";
    expect(
      problemsOf({
        tasks: [() => {}, { identifier: "x" }, undefined] as unknown as AnyTask[],
        plugins: [plugin("p", { tasks: ["y"] as any })],
      }),
    ).toEqual([
      `tasks holds a function; ${rest}`,
      `tasks holds a plain object; ${rest}`,
      `tasks holds undefined; ${rest}`,
      `plugin p holds the string "y"; ${rest}`,
    ]);
    expect(problemsOf({ taskList: { a: "b" as any } })).toEqual([
      'taskList holds string under "a"; it is a function (payload, helpers)',
    ]);
  });

  it("refuses an identifier that graphile-worker cannot store", () => {
    const long = "x".repeat(129);
    expect(problemsOf({ tasks: [task(""), task(long), task("x".repeat(128))] })).toEqual([
      'tasks holds a task with the identifier ""; it is 1 to 128 characters',
      `tasks holds a task with the identifier "${long}"; it is 1 to 128 characters`,
    ]);
  });

  it("refuses a payload that is no schema, defaults out of range, and a run that is no function", () => {
    expect(
      problemsOf({
        tasks: [
          task("a", { payload: { to: z.string() } }),
          task("b", { spec: { priority: 1e6 } }),
          task("c", { spec: { queue: "q" } }),
          defineTask({ identifier: "d", run: "later" as any }),
        ],
      }),
    ).toEqual([
      'task "a": payload got a plain object; it is a Standard Schema, such as z.object({ … })',
      'task "b", spec: priority got 1000000; it is an integer from -32768 to 32767',
      'task "c", spec: unknown option "queue", did you mean "queueName"?',
      'task "d": run got the string "later"; it is a function (payload, context)',
    ]);
  });

  it("refuses tasks that are only declared, and a worker without any", async () => {
    expect(
      problemsOf({ tasks: [declareTask({ identifier: "a" }), declareTask({ identifier: "b" })] }),
    ).toEqual([
      'task "a" is only declared; a worker needs defineTask, with `run`',
      'task "b" is only declared; a worker needs defineTask, with `run`',
    ]);
  });
});

describe("createWorker, task options", () => {
  const breaker = plugin(
    "breaker",
    {},
    {
      taskOption: {
        key: "breaker",
        schema: z.strictObject({
          dependency: z.string(),
          threshold: z.number().default(0.5),
        }),
      },
    },
  );

  it("names the package whose plugin is missing", () => {
    expect(problemsOf({ tasks: [task("a", { rateLimit: { maxPerSecond: 1 } })] })).toEqual([
      'task "a": unknown option "rateLimit": no installed plugin owns it. If it is the option of @oppulence/worker-ratelimit, install that package and add its plugin to `plugins`',
    ]);
  });

  it("names the option that was probably meant", () => {
    expect(
      problemsOf({
        tasks: [task("a", { braeker: { dependency: "smtp" } }), task("b", { paylaod: z.object() })],
        plugins: [breaker],
      }),
    ).toEqual([
      'task "a": unknown option "braeker", did you mean "breaker"?',
      'task "b": unknown option "paylaod", did you mean "payload"?',
    ]);
  });

  it("checks the option's value, and names task, option and path", () => {
    expect(
      problemsOf({
        tasks: [
          task("a", { breaker: { dependency: 5 } }),
          task("b", { breaker: { dependency: "x", treshold: 1 } }),
        ],
        plugins: [breaker],
      }),
    ).toEqual([
      'task "a", option breaker: dependency: expected string, received number, got 5',
      'task "b", option breaker: unknown option "treshold", did you mean "threshold"?',
    ]);
  });

  it("does not blame a task for its plugin's own problem", () => {
    const broken = plugin(
      "breaker",
      () => {
        throw new Error("plugin breaker: no store");
      },
      { taskOption: { key: "breaker" } },
    );
    expect(
      problemsOf({ tasks: [task("a", { breaker: { dependency: "x" } })], plugins: [broken] }),
    ).toEqual(["plugin breaker: no store"]);
  });

  it("completes the value by the schema, for hooks, of plugins' own tasks too", () => {
    const given = task("a", { breaker: { dependency: "smtp" } });
    const own = task("b", { breaker: { dependency: "imap" } });
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      tasks: [given],
      plugins: [breaker, plugin("mail", { tasks: [own] })],
    });
    const { tasks } = worker.composition;
    expect(tasks.get("a")?.options).toEqual({ breaker: { dependency: "smtp", threshold: 0.5 } });
    expect(tasks.get("b")?.options).toEqual({ breaker: { dependency: "imap", threshold: 0.5 } });
    expect(given.options).toEqual({ breaker: { dependency: "smtp" } });
  });
});
