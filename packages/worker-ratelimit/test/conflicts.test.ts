import type { TaskInfo } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { conflictsOf, definitionHash, wrongNames } from "../src/conflicts.ts";
import type { LimiterDefinition, RateLimitedJob } from "../src/options.ts";

const task = (identifier: string, rateLimit: RateLimitedJob) =>
  ({ identifier, options: { rateLimit } }) as unknown as TaskInfo;
const named = (definition: LimiterDefinition, where: string) => ({
  name: "send",
  definition,
  where,
});

describe("definitionHash", () => {
  it("is the same in another order, unit and with what is left out", () => {
    const one = definitionHash({ limit: 5, period: "1s", burstSize: 2 });
    expect(
      definitionHash({ burstSize: 2, period: 1_000, limit: 5, maxConcurrent: undefined }),
    ).toBe(one);
  });

  it.each<LimiterDefinition>([
    { limit: 5, period: "2s", burstSize: 2 },
    { limit: 5, period: "1s" },
    { limit: 5, period: "1s", burstSize: 2, key: () => "a" },
    { limit: 5, period: "1s", burstSize: 2, mode: "dryRun" },
  ])("differs for %o", (definition) => {
    expect(definitionHash(definition)).not.toBe(
      definitionHash({ limit: 5, period: "1s", burstSize: 2 }),
    );
  });

  it("compares functions by their text", () => {
    const make = () => ({ maxPerSecond: 1, key: (payload: { id: string }) => payload.id });
    expect(definitionHash(make())).toBe(definitionHash(make()));
  });
});

describe("conflictsOf", () => {
  it("names both of the same name that differ", () => {
    const all = [
      named({ maxPerSecond: 5 }, "limiters.send"),
      named({ maxPerSecond: 6 }, "task send"),
    ];
    expect(conflictsOf(all)).toEqual([
      'limiter "send" is defined differently by limiters.send and task send; give one of them another name',
    ]);
  });

  it("lets pass what is the same twice", () => {
    const all = [named({ limit: 5, period: 1_000 }, "a"), named({ limit: 5, period: "1s" }, "b")];
    expect(conflictsOf(all)).toEqual([]);
  });
});

describe("wrongNames", () => {
  const names = new Set(["stripe", "send"]);

  it("tells what nobody defines, and what is listed twice", () => {
    const problems = wrongNames(names, [
      task("pay", ["strpe", "strpe"]),
      task("bill", ["stripe", "stripe"]),
    ]);
    expect(problems).toEqual([
      'task pay: no limiter has the name "strpe", did you mean "stripe"?',
      'task pay: limiter "strpe" is listed twice',
      'task bill: limiter "stripe" is listed twice',
    ]);
  });

  it("takes a task's own limiters as known", () => {
    expect(wrongNames(names, [task("send", ["stripe", { maxPerSecond: 1 }])])).toEqual([]);
  });
});
