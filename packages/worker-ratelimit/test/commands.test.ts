import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { limitsCommands } from "../src/commands.ts";
import { createLimits } from "../src/limits-api.ts";
import type { LimiterDefinition } from "../src/options.ts";
import type { BucketState, Override } from "../src/store.ts";

const definitions = new Map<string, LimiterDefinition>([
  ["stripe", { maxPerSecond: 100 }],
  ["jobs", { maxConcurrent: 5 }],
  ["plans", { limits: (key) => ({ maxPerSecond: key === "acme" ? 50 : 5 }), key: () => "" }],
]);
const states: BucketState[] = [
  { limiter: "stripe", key: "", utilization: 0.25, running: undefined, waiting: 7 },
  { limiter: "jobs#places", key: "", utilization: 1, running: 5, waiting: 2 },
  { limiter: "plans", key: "acme", utilization: 0.1, running: undefined, waiting: 0 },
  { limiter: "plans", key: "globex", utilization: 0.5, running: undefined, waiting: 3 },
];

/** The API over what a store would hold, kept in memory: the stores' own suite shows that they do. */
function started(of: ReadonlyMap<string, LimiterDefinition> = definitions) {
  let overrides: Override[] = [];
  const reset: [string, string | undefined][] = [];
  const without = (limiter: string, key: string | null) =>
    overrides.filter((each) => each.limiter !== limiter || each.key !== key);
  const api = createLimits({
    definitions: () => of,
    store: {
      states: async (limiter) =>
        states.filter((each) => limiter === undefined || each.limiter === limiter),
      overrides: async () => overrides,
      setOverride: async (override) => {
        overrides = [
          ...without(override.limiter, override.key),
          { ...override, setAt: new Date(0) },
        ];
      },
      deleteOverride: async (limiter, key) => {
        const before = overrides.length;
        overrides = without(limiter, key);
        return overrides.length < before;
      },
      reset: async (limiter, key) => {
        reset.push([limiter, key]);
        return limiter === "stripe" ? 1 : 0;
      },
    },
  });
  return {
    api,
    reset,
    overrides: () => overrides,
    ...commandLine({ commands: limitsCommands(api) }),
  };
}

const by = { reason: "incident", actor: "ada" };
const stripe = { args: { limiter: "stripe" } };

describe("limits list", () => {
  it("shows every limiter, with those that are only stored", async () => {
    const { run, printed, api } = started();
    await api.set("plans", "acme", { maxPerSecond: 1 });
    expect(await run("limits list")).toBe(0);
    expect(printed).toEqual([
      "stripe 100 a second 0 1 25% 0 7",
      "jobs 5 at once 0 1 100% 5 2",
      "plans by key 1 2 50% 0 3",
    ]);
  });

  it("shows what is not in this configuration too", async () => {
    const { run, printed } = started(new Map());
    expect(await run("limits list")).toBe(0);
    expect(printed[0]).toBe("stripe not in this configuration 0 1 25% 0 7");
  });
});

describe("limits show", () => {
  it("shows what is set, who set it and why, and what holds for a key", async () => {
    const { run, printed } = started();
    const args = { limiter: "plans", key: "acme" };
    await run("limits set", { args, options: { ...by, maxPerMinute: "30" } });
    const forAll = { ...by, maxConcurrent: "3", maxPerSecond: "9" };
    await run("limits set", { args: { limiter: "plans" }, options: forAll });
    await run("limits set", {
      args: { limiter: "plans", key: "other" },
      options: { ...by, limit: "1", period: "1s" },
    });
    expect(await run("limits show", { args })).toBe(0);
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({
      limits: "by key",
      effective: "30 a minute, 3 at once",
    });
    expect(printed.slice(1)).toEqual([
      expect.stringMatching(/^acme 30 a minute .* ada incident$/),
      expect.stringMatching(/^\(every key\) 9 a second, 3 at once .* ada incident$/),
      "plans acme 10% undefined 0",
    ]);
  });

  it("is one JSON object with --json, its fullest keys first", async () => {
    const { run, printed } = started();
    await run("limits show", { args: { limiter: "plans" }, options: { rows: "1" }, json: true });
    expect(printed).toHaveLength(1);
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({
      limiter: "plans",
      keys: 2,
      waiting: 3,
      set: [],
      buckets: [{ key: "globex" }],
    });
  });
});

describe("limits set", () => {
  it("keeps who and why, and what was given", async () => {
    const { run, printed, overrides } = started();
    const options = { ...by, limit: "10", period: "1m", burstSize: "2" };
    expect(await run("limits set", { ...stripe, options })).toBe(0);
    expect(printed).toEqual(["stripe is limited to 10 in 1m, burst 2"]);
    expect(overrides()).toEqual([
      {
        limiter: "stripe",
        key: null,
        limits: { limit: 10, period: "1m", burstSize: 2 },
        actor: "ada",
        reason: "incident",
        setAt: new Date(0),
      },
    ]);
  });

  it("stores a long key as jobs' keys are", async () => {
    const { run, overrides } = started();
    const args = { limiter: "plans", key: "a".repeat(10_000) };
    await run("limits set", { args, options: { ...by, maxPerSecond: "0.5" } });
    expect(overrides()[0]?.key).toMatch(/^a{100}~[0-9a-f]{64}$/);
    expect(await run("limits reset", { args })).toBe(0);
    expect(overrides()).toEqual([]);
  });

  it.each([
    [{}, "nothing is set"],
    [{ maxPerSecond: "0" }, "maxPerSecond"],
    [{ maxPerSecond: "-5" }, "maxPerSecond"],
    [{ maxPerSecond: "many" }, "--max-per-second"],
    [{ maxPerSecond: "1e12" }, "--max-per-second"],
    [{ maxPerSecond: "NaN" }, "--max-per-second"],
    [{ maxPerSecond: "" }, "--max-per-second"],
    [{ maxConcurrent: "1.5" }, "maxConcurrent"],
    [{ limit: "5" }, "period is missing"],
    [{ limit: "5", period: "5 bananas" }, "period"],
    [{ maxPerSecond: "1", reason: " " }, "--reason"],
    [{ maxPerSecond: "1", reason: undefined }, "--reason"],
  ])("refuses %o, and sets nothing", async (options, message) => {
    const { run, overrides } = started();
    await expect(run("limits set", { ...stripe, options: { ...by, ...options } })).rejects.toThrow(
      message,
    );
    expect(overrides()).toEqual([]);
  });

  it("refuses a burst of what has no rate", async () => {
    const { run } = started();
    const call = { args: { limiter: "jobs" }, options: { ...by, burstSize: "5" } };
    await expect(run("limits set", call)).rejects.toThrow('limiter "jobs": burstSize is of a rate');
  });

  it("refuses a limiter that is not there", async () => {
    const { run } = started();
    const call = { args: { limiter: "strpe" }, options: { ...by, maxPerSecond: "5" } };
    await expect(run("limits set", call)).rejects.toThrow('did you mean "stripe"?');
    await expect(run("limits show", call)).rejects.toThrow("no limiter has the name");
    await expect(run("limits reset", call)).rejects.toThrow("no limiter has the name");
  });
});

describe("limits reset", () => {
  it("takes back what was set, and exits 3 when nothing was", async () => {
    const { run, printed } = started();
    await run("limits set", { ...stripe, options: { ...by, maxPerSecond: "5" } });
    expect(await run("limits reset", stripe)).toBe(0);
    expect(printed).toEqual(["stripe goes by its configured limits again"]);
    expect(await run("limits reset", { args: { limiter: "stripe", key: "acme" } })).toBe(3);
    expect(printed).toEqual(['nothing was set for stripe, key "acme"']);
  });

  it("reaches what was set for a limiter that is configured no more", async () => {
    const of = new Map(definitions);
    const { run, overrides } = started(of);
    await run("limits set", { ...stripe, options: { ...by, maxPerSecond: "5" } });
    of.delete("stripe");
    expect(await run("limits show", stripe)).toBe(0);
    expect(await run("limits reset", stripe)).toBe(0);
    expect(overrides()).toEqual([]);
  });

  it("forgets the counts of all its rules with --counts, and keeps what was set", async () => {
    const { run, printed, reset, overrides } = started();
    await run("limits set", { ...stripe, options: { ...by, maxPerSecond: "5" } });
    expect(await run("limits reset", { ...stripe, options: { counts: true }, json: true })).toBe(0);
    expect(JSON.parse(printed[0] ?? "")).toEqual({ limiter: "stripe", key: null, buckets: 1 });
    expect(reset.map(([name]) => name)).toEqual([
      "stripe",
      "stripe#2",
      "stripe#3",
      "stripe#places",
    ]);
    expect(overrides()).toHaveLength(1);
  });
});
