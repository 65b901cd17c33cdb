import { describe, expect, it } from "vitest";
import { z } from "zod";
import { declareTask, defineConfig, defineTask, taskBuilder } from "../src/index.ts";
import { plugin } from "./support/plugins.ts";

const payload = z.object({ to: z.string() });
const run = () => "done";

describe("defineTask", () => {
  it("parts the task's own fields from its plugins' options, and freezes both", () => {
    const task = defineTask({
      identifier: "t",
      payload,
      spec: { priority: 1 },
      run,
      ...{ rateLimit: { maxPerSecond: 1 }, breaker: "smtp" },
    });
    expect(task).toMatchObject({
      identifier: "t",
      payload,
      spec: { priority: 1 },
      run,
      options: { rateLimit: { maxPerSecond: 1 }, breaker: "smtp" },
    });
    expect(Object.isFrozen(task)).toBe(true);
    expect(Object.isFrozen(task.options)).toBe(true);
    expect((task as never)[Symbol.for("@oppulence/worker:brand")]).toBe("task");
  });

  it("needs no schema, defaults or options", () => {
    expect(defineTask({ identifier: "t", run })).toMatchObject({
      payload: undefined,
      spec: undefined,
      options: {},
    });
  });
});

describe("declareTask", () => {
  it("makes a task without a run", () => {
    const declared = declareTask({ identifier: "t", payload });
    expect(declared).toMatchObject({ identifier: "t", payload, options: {}, run: undefined });
    expect(Object.isFrozen(declared)).toBe(true);
  });
});

describe("taskBuilder", () => {
  it("makes tasks as defineTask does, typed by the plugins", () => {
    const plugins = [plugin("p")] as const;
    expect(taskBuilder(plugins)({ identifier: "t", payload, run })).toEqual(
      defineTask({ identifier: "t", payload, run }),
    );
  });
});

describe("defineConfig", () => {
  it("returns what it is given", () => {
    const config = { tasks: [defineTask({ identifier: "t", run })], worker: { concurrentJobs: 3 } };
    expect(defineConfig(config)).toBe(config);
  });
});
