import type { TaskInfo } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { definedLimits, limiterNames, ownDefinitions, taskLimiters } from "../src/definitions.ts";
import type { Limits } from "../src/limits.ts";
import type { RateLimitedJob } from "../src/options.ts";

const task = (identifier: string, rateLimit?: RateLimitedJob) =>
  ({ identifier, options: { rateLimit } }) as unknown as TaskInfo;

describe("limiters of a task", () => {
  it("are those it names, and those of its own under its name", () => {
    const send = task("send", ["stripe", { maxPerSecond: 1 }, "tenants", { maxConcurrent: 2 }]);
    expect(limiterNames(send)).toEqual(["stripe", "send", "tenants", "send/2"]);
    expect(ownDefinitions([send, task("plain"), task("named", "stripe")])).toEqual([
      { name: "send", definition: { maxPerSecond: 1 }, where: "task send" },
      { name: "send/2", definition: { maxConcurrent: 2 }, where: "task send" },
    ]);
    expect(taskLimiters(task("plain"))).toEqual([]);
  });

  it("have no # in their names, which begins a rule's part", () => {
    expect(limiterNames(task("a#places", { maxConcurrent: 1 }))).toEqual(["a%23places"]);
  });
});

describe("definedLimits", () => {
  const by = (limits: (key: string) => unknown) => (key: string) =>
    definedLimits("stripe", { limits: limits as (key: string) => Limits }, key);

  it("are the definition's own without a function", () => {
    const definition = { maxPerSecond: 5 };
    expect(definedLimits("stripe", definition, "acme")).toBe(definition);
  });

  it("are what the function says of the key, one object for the same limits", () => {
    const limits = by((key) => ({ maxPerSecond: key === "acme" ? 50 : 5 }));
    expect(limits("acme")).toEqual({ maxPerSecond: 50 });
    expect(limits("a")).toBe(limits("b"));
    expect(limits("a")).not.toBe(limits("acme"));
  });

  it("follow an object that the function changes", () => {
    const plan = { maxPerSecond: 5 };
    const limits = by(() => plan);
    expect(limits("a")).toEqual({ maxPerSecond: 5 });
    plan.maxPerSecond = 7;
    expect(limits("a")).toEqual({ maxPerSecond: 7 });
  });

  it("remember a bounded number, and stay right beyond it", () => {
    const limits = by((key) => ({ maxConcurrent: Number(key) }));
    const first = limits("1");
    expect(limits("1")).toBe(first);
    for (let key = 1; key <= 3_000; key += 1) expect(limits(String(key)).maxConcurrent).toBe(key);
    expect(limits("1")).toEqual(first);
    expect(limits("1")).not.toBe(first);
  });

  it.each([
    undefined,
    null,
    7,
    {},
    { maxPerSecond: 0 },
    { maxPerSecond: Number.NaN },
    { maxPerSecond: -1 },
    { maxPerSecond: 1e12 },
    { maxPerSecnd: 1 },
    { maxPerSecond: 1n },
    Promise.resolve({ maxPerSecond: 1 }),
  ])("refuse %o", (answer) => {
    expect(() => by(() => answer)("acme")).toThrow('limiter "stripe": no limits for key "acme"');
    // A value that is no limit must not be remembered by what JSON makes of it.
    expect(() => by(() => answer)("acme")).toThrow("no limits");
  });

  it("say what the function threw, as an error that defers", () => {
    const throws = by(() => {
      throw new Error("no plans yet");
    });
    expect(() => throws("a")).toThrow(
      expect.objectContaining({
        code: "INVALID_LIMITS",
        message: expect.stringContaining("no plans yet"),
      }),
    );
  });
});
