import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type AnyPlugin,
  createWorker,
  defineTask,
  isConfigurationError,
  type MeterBackend,
  noopMeter,
} from "../../src/index.ts";
import { NOWHERE, problemsOf } from "../support/configuration.ts";
import { entry, gate, plugin } from "../support/plugins.ts";

const task = (identifier: string) => defineTask({ identifier, run: () => {} });
const nothing = () => undefined;

describe("createWorker, plugins", () => {
  it("takes only what definePlugin returns", () => {
    function rateLimit() {}
    const problems = problemsOf({
      tasks: [task("t")],
      plugins: [rateLimit, { name: "x" }, false, "dlq"] as unknown as AnyPlugin[],
    });
    const rest = "a plugin is what definePlugin returns (did you forget to call its factory?)";
    expect(problems).toEqual([
      `plugins[0] is a function (rateLimit); ${rest}`,
      `plugins[1] is a plain object; ${rest}`,
      `plugins[2] is the boolean false; ${rest}`,
      `plugins[3] is the string "dlq"; ${rest}`,
    ]);
  });

  it("recognises a plugin made by another copy of the package", () => {
    const brand = Symbol.for("@oppulence/worker:brand");
    const foreign = {
      [brand]: "plugin",
      contract: 1,
      name: "foreign",
      producers: "not-covered",
      setup: () => ({ api: 42 }),
    } as unknown as AnyPlugin;
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      tasks: [task("t")],
      plugins: [foreign],
    });
    expect(worker.plugins).toEqual({ foreign: 42 });
  });

  it("refuses a plugin made for another version of the contract", () => {
    const future = { ...plugin("future", {}, { package: "@acme/worker-future" }), contract: 2 };
    expect(problemsOf({ tasks: [task("t")], plugins: [future] })).toEqual([
      "plugin future speaks contract version 2, this core speaks version 1: install a version of @acme/worker-future made for it",
    ]);
  });

  it("refuses a name that occurs twice, a reserved one, and none", () => {
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [plugin("dlq"), plugin("dlq"), plugin("core"), plugin("")],
      }),
    ).toEqual([
      "plugin dlq is in plugins twice; a name may occur once",
      'plugins[2] has the name "core", which is the core\'s own',
      'plugins[3] has the name ""; a name is a string of 1 to 64 characters',
    ]);
  });

  it("refuses a plugin whose requirement is missing, and names the one probably meant", () => {
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [plugin("a", {}, { requires: ["metrics", "matrics"] }), plugin("metrics")],
      }),
    ).toEqual([
      'plugin a requires the plugin matrics, which is not in plugins, did you mean "metrics"?',
    ]);
  });

  it("refuses two meters", () => {
    const meter: MeterBackend = noopMeter;
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [plugin("prom", {}, { meter }), plugin("otel", {}, { meter })],
      }),
    ).toEqual(["plugins prom and otel each bring a meter; at most one may"]);
  });

  it("says of a hook what is wrong with it and what would be right", () => {
    const phase: any = "middle";
    const onError: any = "shut";
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [
          plugin("a", { beforeRun: { phase: "gate", onError: "open" } as any }),
          plugin("b", { beforeRun: gate(nothing, { phase }) }),
          plugin("c", { beforeEnqueue: entry(nothing, { onError, timeout: "5 bananas" }) }),
          plugin("d", { afterRun: (() => {}) as any }),
          plugin("e", { onFailure: { run: nothing, before: "dlq" } as any }),
        ],
      }),
    ).toEqual([
      'plugin c, beforeEnqueue: got onError "shut"; it is "open" or "closed"',
      expect.stringMatching(/^plugin c, beforeEnqueue, timeout: got "5 bananas".*a duration is/),
      "plugin a, beforeRun: a hook has either `run` or `batch`, a function",
      'plugin b, beforeRun: got the phase "middle"; it is one of gate, admit, consume',
      "plugin d, afterRun: a hook has either `run` or `batch`, a function",
      'plugin e, onFailure, before: got "dlq"; it is an array of plugin names',
    ]);
  });

  it("names the circle that hooks form, and which hooks", () => {
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [
          plugin("a", { beforeRun: gate(nothing, { after: ["c"] }) }),
          plugin("b", { beforeRun: gate(nothing, { after: ["a"] }) }),
          plugin("c", { beforeRun: gate(nothing, { after: ["b"] }) }),
        ],
      }),
    ).toEqual(["the plugins' beforeRun hooks form a circle: a before b before c before a"]);
  });

  it("says that a setup failed, returned nothing, or a promise", () => {
    expect(
      problemsOf({
        tasks: [task("t")],
        plugins: [
          plugin("a", () => {
            throw new Error("plugin a: got no key");
          }),
          plugin("b", (() => {}) as any),
          plugin("c", (async () => ({})) as any),
        ],
      }),
    ).toEqual([
      "plugin a: got no key",
      "plugin b: setup returned undefined; it returns the plugin's hooks, an object",
      "plugin c: setup returned a promise; it is synchronous, and what takes time waits for `start`",
    ]);
  });

  it("checks a plugin's options against its schema and completes them", () => {
    const optionsSchema = z.strictObject({ interval: z.number().default(5) });
    const made = (options: unknown) =>
      plugin("cron", ({ options: own }) => ({ api: own }), { options, optionsSchema });
    expect(problemsOf({ tasks: [task("t")], plugins: [made({ inter: 3 })] })).toEqual([
      'plugin cron: unknown option "inter", did you mean "interval"?',
    ]);
    expect(
      problemsOf({ tasks: [task("t")], plugins: [made({ interval: "3", inter: 3 })] }),
    ).toEqual([
      'plugin cron: interval: expected number, received string, got "3"',
      'plugin cron: unknown option "inter", did you mean "interval"?',
    ]);
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      tasks: [task("t")],
      plugins: [made(undefined)],
    });
    expect(worker.plugins.cron).toEqual({ interval: 5 });
  });

  it("refuses options of a plugin that takes none", () => {
    expect(
      problemsOf({ tasks: [task("t")], plugins: [plugin("p", {}, { options: { size: 1 } })] }),
    ).toEqual(["plugin p takes no options, got size"]);
  });

  it("reports every problem of plugins, tasks and options at once", () => {
    const schema = z.strictObject({ size: z.number() });
    const error = (() => {
      try {
        createWorker({
          connectionString: NOWHERE,
          config: false,
          stopTimout: 5,
          stopTimeout: "soon",
          schema: "pg_mine",
          tasks: [
            task("t"),
            task("t"),
            defineTask({ identifier: "u", size: 1, run: nothing } as any),
          ],
          plugins: [
            plugin("dlq"),
            plugin("dlq"),
            plugin("needy", {}, { requires: ["cron"] }),
            plugin("sized", {}, { options: { size: "big" }, optionsSchema: schema }),
            plugin("misplaced", { beforeRun: gate(nothing, { phase: "late" as any }) }),
          ],
        } as any);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isConfigurationError(error)).toBe(true);
    expect(error).toMatchObject({ code: "INVALID_CONFIGURATION", name: "ConfigurationError" });
    const { problems, message } = error as { problems: string[]; message: string };
    expect(problems).toEqual([
      'createWorker: unknown option "stopTimout", did you mean "stopTimeout"?',
      expect.stringContaining('database: schema: got "pg_mine"'),
      expect.stringContaining('stopTimeout: got "soon"'),
      "plugin dlq is in plugins twice; a name may occur once",
      "plugin needy requires the plugin cron, which is not in plugins",
      'plugin sized: size: expected number, received string, got "big"',
      'task "t" is defined twice in tasks',
      expect.stringContaining('task "u": unknown option "size"'),
      expect.stringContaining('plugin misplaced, beforeRun: got the phase "late"'),
    ]);
    expect(message).toBe(`9 problems:\n- ${problems.join("\n- ")}`);
  });
});
