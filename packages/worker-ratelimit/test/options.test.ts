import { validateOptions } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import {
  limitsSchema,
  partialLimitsSchema,
  rateLimitedJob,
  rateLimitOptions,
} from "../src/options.ts";

const plugin = (options: unknown) => () =>
  validateOptions(rateLimitOptions, options, "plugin rateLimit");
const stripe = (definition: unknown) => plugin({ limiters: { stripe: definition } });
const job = (option: unknown) => () => validateOptions(rateLimitedJob, option, "task send");
const tenants = (more: object) =>
  plugin({ tenants: { plans: { free: { maxPerMinute: 60 } }, defaultPlan: "free", ...more } });

describe("options of the plugin", () => {
  it("have defaults", () => {
    expect(stripe({ maxPerSecond: 100 })()).toEqual({
      limiters: { stripe: { maxPerSecond: 100 } },
      lease: "30s",
      storeTimeout: "2s",
      tendInterval: "1s",
      pollInterval: "5s",
      listen: true,
      sweepInterval: "1m",
      sampleInterval: "15s",
    });
    expect(plugin({})().limiters).toEqual({});
  });

  it.each([
    [{ maxPerSecond: 0 }, "maxPerSecond"],
    [{ maxPerSecond: -1 }, "maxPerSecond"],
    [{ maxPerSecond: Number.NaN }, "maxPerSecond"],
    [{ maxPerSecond: Number.POSITIVE_INFINITY }, "maxPerSecond"],
    [{ maxPerSecond: 1e12 }, "maxPerSecond"],
    [{ maxPerSecond: "100" }, "maxPerSecond"],
    [{ maxPerMinute: 0 }, "maxPerMinute"],
    [{ maxConcurrent: 0 }, "maxConcurrent"],
    [{ maxConcurrent: 1.5 }, "maxConcurrent"],
    [{ maxConcurrent: 1e12 }, "maxConcurrent"],
    [{ maxPerSecond: 1, burstSize: 0.5 }, "burstSize"],
    [{ maxPerSecond: 1, burstSize: 0 }, "burstSize"],
    [{ limit: 5, period: "5 bananas" }, "period"],
    [{ limit: 5, period: 0 }, "period"],
    [{ limit: 5 }, "period is missing"],
    [{ period: "1s" }, "limit is missing"],
    [{ limit: 1e9, period: "1ms" }, "1,000,000 a second"],
    [{ limit: 1, period: "366d", burstSize: 1_000 }, "at most 100 years"],
    [{ burstSize: 5 }, "there is none"],
    [{ maxConcurrent: 5, burstSize: 5 }, "there is none"],
    [{}, "no limit is given"],
    [{ limits: () => ({}), maxPerSecond: 1 }, "in place of maxPerSecond"],
    [{ limits: { maxPerSecond: 1 } }, "set in code"],
    [{ maxPerSecond: 1, key: "tenant" }, "set in code"],
    [{ maxPerSecond: 1, units: 3 }, "set in code"],
    [{ maxPerSecond: 1, onLimit: "wait" }, "onLimit"],
    [{ maxPerSecond: 1, onLimit: "drop", maxWait: "1s" }, 'onLimit "drop"'],
    [{ maxPerSecond: 1, mode: "dry" }, "mode"],
    [{ maxPerSecond: 1, onError: "ignore" }, "onError"],
    [{ maxPerSecnd: 1 }, 'did you mean "maxPerSecond"?'],
  ])("refuse the limiter %o", (definition, message) => {
    expect(stripe(definition)).toThrow(message);
  });

  it.each([
    { maxPerSecond: 0.5 },
    { limit: 0.001, period: "1m" },
    { maxPerSecond: 1_000_000 },
    {
      maxConcurrent: 5,
      maxPerSecond: 10,
      maxPerMinute: 100,
      limit: 1_000,
      period: "1d",
      burstSize: 5,
    },
    { limits: () => ({ maxPerSecond: 1 }), key: () => "", units: () => 1 },
    { maxPerSecond: 1, onLimit: "defer", maxWait: "1h", mode: "dryRun", onError: "open" },
  ])("take the limiter %o", (definition) => {
    expect(stripe(definition)().limiters["stripe"]).toEqual(definition);
  });

  it.each([
    [{ limitters: {} }, 'did you mean "limiters"?'],
    [{ limiters: { "a#2": { maxPerSecond: 1 } } }, "without #"],
    [{ limiters: { "a\0b": { maxPerSecond: 1 } } }, "control characters"],
    [{ limiters: { "": { maxPerSecond: 1 } } }, "1 to 128 characters"],
    [{ lease: "10ms" }, "from 1s to 1h"],
    [{ storeTimeout: "5s" }, "to 4s"],
    [{ tendInterval: "10s" }, "to 5s"],
    [{ sampleInterval: true }, "sampleInterval"],
    [{ store: {} }, "redisStore(redis)"],
    [{ store: { admit: () => {} } }, "redisStore(redis)"],
  ])("refuse %o", (options, message) => {
    expect(plugin(options)).toThrow(message);
  });

  it.each([
    [{ defaultPlan: "fre" }, 'did you mean "free"?'],
    [{ tenants: { acme: { plan: "fee" } } }, 'did you mean "free"?'],
    [{ tenants: { acme: { limit: 5 } } }, "period is missing"],
    [{ tenants: { acme: { period: "1s" } } }, "limit is missing"],
    [{ tenants: { acme: { maxPerSecond: 0 } } }, "maxPerSecond"],
    [{ plans: { free: {} } }, "no limit is given"],
    [{ plans: {} }, "no plan has the name"],
    [
      { plans: { free: { maxConcurrent: 1 } }, tenants: { acme: { burstSize: 5 } } },
      "there is none",
    ],
    [{ onLimit: "fail", maxWait: 5 }, "maxWait"],
    [{ maxLabels: -1 }, "maxLabels"],
  ])("refuse the tenants %o", (more, message) => {
    expect(tenants(more)).toThrow(message);
  });

  it("do not take a plan for one that every object has", () => {
    expect(tenants({ defaultPlan: "toString" })).toThrow("no plan has the name");
  });
});

describe("the option store", () => {
  it.each([{ store: () => ({}) }])("takes %o", (options) => {
    expect(plugin(options)().store).toBe(options.store);
  });
});

describe("the task option", () => {
  it.each([
    { option: "stripe" },
    { option: { maxConcurrent: 2 } },
    { option: ["stripe", { maxPerSecond: 1 }, { maxConcurrent: 2 }] },
  ])("takes $option", ({ option }) => {
    expect(job(option)()).toEqual(option);
  });

  it.each([
    [[], "expected array to have >=1 items"],
    [{ maxConcurrent: 0 }, "maxConcurrent: "],
    [{ maxPerSecnd: 1 }, 'did you mean "maxPerSecond"?'],
    [["stripe", { limit: 1 }], "period is missing"],
    [7, "expected string"],
    ["a#b", "without #"],
  ])("refuses %o", (option, message) => {
    expect(job(option)).toThrow(message);
  });
});

describe("schemas of limits", () => {
  it("take a part where others lie below", () => {
    const read = (limits: unknown) => () => validateOptions(partialLimitsSchema, limits, "limits");
    expect(read({ burstSize: 5 })()).toEqual({ burstSize: 5 });
    expect(read({})).toThrow("nothing is set");
    expect(read({ period: "1s" })).toThrow("limit is missing");
    expect(read({ limit: 1e9, period: "1ms" })).toThrow("1,000,000 a second");
    expect(read({ limit: 1, period: "366d", burstSize: 1_000 })).toThrow("at most 100 years");
    expect(read({ maxPerSecond: Number.NaN })).toThrow("maxPerSecond");
    expect(read({ key: 1 })).toThrow("key");
  });

  it("take nothing but limits", () => {
    expect(() => validateOptions(limitsSchema, undefined, "limits")).toThrow("undefined");
    expect(() => validateOptions(limitsSchema, { burstSize: 1 }, "limits")).toThrow(
      "there is none",
    );
  });
});
