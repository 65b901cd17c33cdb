import { definePlugin } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { startCapture } from "../../src/conformance/capture.ts";
import { createTurns } from "../../src/conformance/turns.ts";
import { isConformanceError, runConformance, testPlugin } from "../../src/conformance.ts";

const idle = () => definePlugin({ name: "idle", producers: "not-covered", setup: () => ({}) });

describe("runConformance", { timeout: 120_000 }, () => {
  it.for(["bouncer", "sql-gate"])("finds nothing wrong with the good plugin %s", async (name) => {
    const good = (await import(`./good/${name}.ts`)) as typeof import("./good/bouncer.ts");
    const only = (check: string) => !check.startsWith("kills");
    const results = await runConformance(good.plugin, good.fixtures, { only, cells: 1 });
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results.some(({ name: check }) => check.startsWith("stops: by a decision"))).toBe(true);
  });

  it("asks a plugin without hooks for nothing that is about hooks", async () => {
    const results = await runConformance(
      idle,
      {},
      { only: (name) => !name.startsWith("kills"), cells: 1 },
    );
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    const groups = new Set(results.map(({ name }) => name.split(":")[0]));
    expect([...groups]).toEqual([
      "shape",
      "alone",
      "lifecycle",
      "neighbours",
      "producers",
      "races",
    ]);
  });

  it("says what the kills need when there is no module", async () => {
    const [result] = await runConformance(
      idle,
      {},
      { only: (name) => /^kills: .* before the task/.test(name) },
    );
    expect(isConformanceError(result?.error)).toBe(true);
    expect(result?.message).toMatch(
      /^a process that can be killed needs a module to load the plugin from: give `module: import\.meta\.url`/,
    );
  });

  it("says what is wrong with a module that has no plugin", async () => {
    const module = new URL("./good/no-plugin.ts", import.meta.url);
    const [result] = await runConformance(
      idle,
      { module },
      { only: (name) => /^kills: .* before the task/.test(name) },
    );
    expect(result?.message).toMatch(
      /no-plugin\.ts neither exports `plugin` nor calls testPlugin with a plugin named idle/,
    );
  });

  it("tells of a plugin that cannot be made", async () => {
    const results = await runConformance(() => {
      throw new Error("no licence");
    });
    expect(results.map(({ message }) => message)).toEqual([
      "the plugin cannot be put together: no licence",
    ]);
  });

  it("tells of a fixture that stops nothing", async () => {
    const stops = { setup: () => {}, expect: "defer" } as const;
    const [result] = await runConformance(
      idle,
      { stops },
      { only: (name) => name.startsWith("stops: by"), cells: 1 },
    );
    expect(result?.message).toBe("the plugin should defer the job; what it did was: ran");
  });
});

describe("the fixture objects", () => {
  /** Its tables are called `turnstile_…`. */
  const gates = () =>
    definePlugin({
      name: "gates",
      producers: "not-covered",
      migrations: { directory: new URL("./good/sql/", import.meta.url) },
      setup: () => ({}),
    });
  const only = (name: string) => name.startsWith("migrations: keep");

  it.for<[readonly string[], RegExp | undefined]>([
    [["turnstile_leases", "turnstile_gates"], undefined],
    [["turnstile_leases"], /turnstile_gates should begin with the plugin's name/],
    [
      ["turnstile_leases", "turnstile_gates", "turnstiles"],
      /objects names turnstiles, which no migration makes/,
    ],
  ])("has %j count as the plugin's own", async ([objects, message]) => {
    const [result] = await runConformance(gates, { objects }, { only, cells: 1 });
    expect(result?.message ?? "").toMatch(message ?? /^$/);
    expect(result?.passed).toBe(message === undefined);
  });
});

describe("testPlugin", () => {
  it("registers nothing in a process that only wants to know what it was called with", () => {
    const captured = startCapture();
    const fixtures = { variant: "redis" };
    testPlugin(idle, fixtures);
    expect(captured).toEqual([{ make: idle, fixtures }]);
  });
});

describe("createTurns", () => {
  it("lets a few run at a time, in order, also after one has failed", async () => {
    const turns = createTurns(2);
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const body =
      (name: string, fails = false) =>
      async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (fails) throw new Error(name);
      };
    const all = [turns(body("a", true)), turns(body("b")), turns(body("c"))];
    const settled = Promise.allSettled(all);
    expect(log).toEqual(["a", "b"]);
    for (let end = 0; end < 3; end++) {
      ends[end]?.();
      await all[end]?.catch(() => {});
    }
    expect(log).toEqual(["a", "b", "c"]);
    expect((await settled).map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
  });
});
