import { describe, expect, it } from "vitest";
import { didYouMean, suggest } from "../src/suggest.ts";

const OPTIONS = ["interval", "timeout", "name", "maxAttempts", "maxPerSecond"];

describe("suggest", () => {
  it.each([
    ["inter", "interval"],
    ["intervall", "interval"],
    ["INTERVAL", "interval"],
    ["timeuot", "timeout"],
    ["nmae", "name"],
    ["max_attempts", "maxAttempts"],
    ["maxPer", "maxPerSecond"],
    ["timeoutSeconds", "timeout"],
  ])("takes %j for %j", (got, name) => {
    expect(suggest(got, OPTIONS)).toBe(name);
  });

  it.each(["bananas", "in", "x", "", "i".repeat(100_000)])("has nothing near %j", (got) => {
    expect(suggest(got, OPTIONS)).toBeUndefined();
  });

  it("takes the nearest of several, then the first", () => {
    expect(suggest("cron", ["crop", "crown", "crom"])).toBe("crop");
    expect(suggest("schedule", ["scheduler", "schedules", "schedulers"])).toBe("scheduler");
  });

  it("passes over the very name that was got", () => {
    expect(suggest("interval", OPTIONS)).toBeUndefined();
  });

  it("reads any iterable", () => {
    expect(suggest("crn", new Map([["cron", 1]]).keys())).toBe("cron");
  });
});

describe("didYouMean", () => {
  it("ends a message", () => {
    expect(`unknown option "inter"${didYouMean("inter", OPTIONS)}`).toBe(
      'unknown option "inter", did you mean "interval"?',
    );
  });

  it("adds nothing when no name is near", () => {
    expect(didYouMean("bananas", OPTIONS)).toBe("");
  });
});
