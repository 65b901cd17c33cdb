import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CronExpression, isUnknownTimezoneError } from "../src/index.ts";
import { expressions, zones } from "./expressions.ts";
import { sweep } from "./sweep.ts";

const at = (text: string) => Date.parse(text);
const list = (cron: string, zone: string, from: string, count: number) => {
  const expression = new CronExpression(cron, zone);
  const slots: string[] = [];
  let slot = expression.next(at(from));
  while (slot !== undefined && slots.length < count) {
    slots.push(new Date(slot).toISOString().replace(":00.000Z", "Z"));
    slot = expression.next(slot);
  }
  return slots;
};

describe("a clock change", () => {
  it("has a fixed time in the gap fire at the first instant after it", () => {
    expect(list("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2)).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
    expect(list("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2)).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:00Z",
    ]);
    expect(list("15 0 * * *", "America/Santiago", "2026-09-05T12:00Z", 1)).toEqual([
      "2026-09-06T04:00Z",
    ]);
  });

  it("has a fixed time in the hour that occurs twice fire once, the first time", () => {
    expect(list("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
    expect(list("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", 2)).toEqual([
      "2026-04-04T14:45Z",
      "2026-04-05T15:15Z",
    ]);
  });

  it("has an interval fire in both, and not in the gap", () => {
    expect(list("30 * * * *", "Europe/Berlin", "2026-10-24T23:45Z", 3)).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:30Z",
    ]);
    expect(list("*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 1)).toEqual([
      "2026-03-30T00:00Z",
    ]);
  });

  it("fires as a slot of its own when asked from a moment before", () => {
    const expression = new CronExpression("30 2 * * *", "Europe/Berlin");
    const gap = at("2026-03-29T01:00Z");
    expect(expression.next(gap - 1)).toBe(gap);
    expect(expression.next(gap - 1_000)).toBe(gap);
    expect(expression.previous(gap + 1)).toBe(gap);
    expect(expression.previous(gap)).toBe(at("2026-03-28T01:30Z"));
  });
});

function read(cron: string, zone: string): CronExpression | undefined {
  try {
    return new CronExpression(cron, zone, "k");
  } catch {
    return undefined;
  }
}

describe("next and previous", () => {
  it("are strict, and undo one another", () => {
    const instants = fc.integer({ min: at("2024-01-01"), max: at("2035-12-31") });
    fc.assert(
      fc.property(expressions, zones, instants, (cron, zone, now) => {
        const expression = read(cron, zone);
        const next = expression?.next(now) as number;
        const last = expression?.previous(now);
        // Some never fire: a day that is the first, and the last Friday.
        fc.pre(expression !== undefined && next !== undefined && last !== undefined);
        expect(next).toBeGreaterThan(now);
        expect(next % 1_000).toBe(0);
        const previous = expression.previous(now) as number;
        expect(previous).toBeLessThan(now);
        expect(expression.next(previous - 1)).toBe(previous);
        expect(expression.previous(next + 1)).toBe(next);
        expect(expression.next(expression.previous(next) as number)).toBe(next);
        expect(expression.previous(expression.next(next) as number)).toBe(next);
      }),
      { numRuns: 300 },
    );
  });

  it("agree with looking at every minute", () => {
    const few = ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"];
    const report = sweep(few, 2026, 2026);
    expect(report.differences).toEqual([]);
    expect(report.histories).toBe(few.length);
    expect(report.slots).toBeGreaterThan(100_000);
  });

  it("find the next 29 February after a year that has none", () => {
    expect(list("0 0 29 2 *", "UTC", "2096-03-01T00:00Z", 1)).toEqual(["2104-02-29T00:00Z"]);
  });
});

describe("a time zone", () => {
  it.each([
    ["Europe/Berln", 'did you mean "Europe/Berlin"?'],
    ["Berlin", 'did you mean "Europe/Berlin"?'],
    ["+02:00", "it is an IANA name"],
    ["", "it is an IANA name"],
  ])("%j is refused", (zone, message) => {
    const make = () => new CronExpression("@daily", zone);
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isUnknownTimezoneError(error)).toBe(true);
    }
  });
});
