import { describe, expect, it } from "vitest";
import { assertEngineVersion } from "../../src/engine/version.ts";
import {
  createClient,
  createWorker,
  defineTask,
  isInvalidOptionsError,
  workerPreset,
} from "../../src/index.ts";
import { NOWHERE, problemsOf } from "../support/configuration.ts";

const tasks = [defineTask({ identifier: "t", run: () => {} })];

function thrownBy(body: () => unknown): any {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("options that do not exist", () => {
  it.each([
    ["createWorker", createWorker, { concurency: 5 }, 'unknown option "concurency"; known: '],
    ["createWorker", createWorker, { conectionString: "x" }, 'did you mean "connectionString"?'],
    ["createClient", createClient, { taskss: [] }, 'did you mean "tasks"?'],
    ["createClient", createClient, { crontab: "" }, 'unknown option "crontab"'],
    ["workerPreset", workerPreset, { pluginss: [] }, 'did you mean "plugins"?'],
  ] as const)("%s names them", (name, create, option, message) => {
    const error = thrownBy(() =>
      create({ connectionString: NOWHERE, config: false, tasks, ...option } as never),
    );
    expect(isInvalidOptionsError(error)).toBe(true);
    expect(error).toMatchObject({ code: "INVALID_OPTIONS", where: name });
    expect(error.message).toMatch(new RegExp(`^${name}: unknown option`));
    expect(error.message).toContain(message);
  });

  it("are named all at once", () => {
    expect(problemsOf({ tasks, loger: 1, clok: 1 } as never)).toEqual([
      'createWorker: 2 problems\n  - unknown option "loger", did you mean "logger"?\n  - unknown option "clok", did you mean "clock"?',
    ]);
  });

  it("are an object, to begin with", () => {
    for (const options of [undefined, null, "postgres://localhost", [tasks]])
      expect(() => createWorker(options as never)).toThrow();
  });
});

describe("a version of graphile-worker outside the range", () => {
  it("is refused, with what is installed and what to install", () => {
    for (const version of ["0.16.6", "0.17.2", "0.19.0", "1.0.0", undefined])
      expect(() => assertEngineVersion(version)).toThrow(
        `graphile-worker ${version ?? "(version unknown)"} is installed; the core works on ^0.17.3 || ^0.18.0: install graphile-worker@0.18`,
      );
    for (const version of ["0.17.3", "0.17.10", "0.18.0", "0.18.5"])
      expect(() => assertEngineVersion(version)).not.toThrow();
  });
});

describe("options of the wrong kind", () => {
  it("are named: an empty place among the plugins", () => {
    for (const empty of [undefined, null])
      expect(problemsOf({ tasks, plugins: [empty] as never })).toEqual([
        `plugins[0] is ${empty}; a plugin is what definePlugin returns (did you forget to call its factory?)`,
      ]);
  });

  it("are named: schemas", () => {
    expect(problemsOf({ tasks, schema: 5 as never })).toEqual([
      expect.stringContaining("schema: got 5; a schema's name starts with a letter"),
    ]);
    expect(problemsOf({ tasks, worker: { schema: "a;b" } })).toEqual([
      expect.stringContaining('worker.schema: got "a;b"; a schema\'s name starts with a letter'),
    ]);
  });

  it("are named: a task that is there twice", () => {
    expect(problemsOf({ tasks: [...tasks, ...tasks] })).toEqual([
      'task "t" is defined twice in tasks',
    ]);
  });
});

describe("options out of range", () => {
  it("are named with what would be right", () => {
    expect(problemsOf({ tasks, stopTimeout: "25" })).toEqual([
      expect.stringContaining('stopTimeout: got "25", which has no unit; a duration is'),
    ]);
    expect(problemsOf({ tasks, stopTimeout: -1 })).toEqual([
      expect.stringContaining("stopTimeout: got -1, which is negative; a duration is"),
    ]);
  });

  it("in the overlay are named with the place they come from", () => {
    const env = { OPPULENCE_WORKER__PLUGINS__CRON__ENABLED: "true" };
    expect(problemsOf({ tasks, config: { env } })).toEqual([
      expect.stringMatching(
        /no plugin "?cron"? is installed; installed: none.*OPPULENCE_WORKER__PLUGINS__CRON__ENABLED/i,
      ),
    ]);
  });
});
