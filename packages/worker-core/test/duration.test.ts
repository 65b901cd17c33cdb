import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Duration,
  formatDuration,
  InvalidDurationError,
  isDuration,
  isInvalidDurationError,
  parseDuration,
} from "../src/duration.ts";

describe("parseDuration", () => {
  it.each<[Duration, number]>([
    [0, 0],
    [1500, 1500],
    ["0s", 0],
    ["30s", 30_000],
    ["250ms", 250],
    ["1h 30m", 5_400_000],
    ["1h30m", 5_400_000],
    ["1 hour, 5 minutes", 3_900_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    [" 2d ", 172_800_000],
    ["1w", 604_800_000],
  ])("reads %j", (value, milliseconds) => {
    expect(parseDuration(value, "timeout")).toBe(milliseconds);
  });

  it.each<[unknown, string]>([
    ["5 bananas", 'got "5 bananas", whose unit "bananas" is unknown'],
    ["1h 5 bananas", 'whose unit "bananas" is unknown'],
    ["", 'got ""'],
    ["   ", 'got "   "'],
    ["soon", 'got "soon"'],
    ["30", 'got "30", which has no unit'],
    ["1h30", 'got "1h30"'],
    ["-3s", 'got "-3s", which is negative'],
    ["3s - 1s", 'got "3s - 1s"'],
    ["1e3s", 'got "1e3s"'],
    ["1,000s", 'got "1,000s"'],
    [-1, "got -1, which is negative"],
    [Number.NaN, "got NaN, which is not finite"],
    [Number.POSITIVE_INFINITY, "got Infinity, which is not finite"],
    [null, "got null"],
    [undefined, "got undefined"],
    [{ seconds: 3 }, "got {seconds: 3}"],
    ["9".repeat(99_999), 'got "9999'],
  ])("rejects %j by name", (value, got) => {
    const parse = () => parseDuration(value as Duration, "plugins.cron.timeout");
    expect(parse).toThrow(InvalidDurationError);
    expect(parse).toThrow("plugins.cron.timeout: got ");
    expect(parse).toThrow(got);
    expect(parse).toThrow('such as "30s", "1h 30m" or "250ms"');
  });

  it("throws an error that carries what was got and where", () => {
    let thrown: unknown;
    try {
      parseDuration("5 bananas", "timeout");
    } catch (error) {
      thrown = error;
    }
    expect(isInvalidDurationError(thrown)).toBe(true);
    expect(thrown).toMatchObject({
      name: "InvalidDurationError",
      code: "INVALID_DURATION",
      where: "timeout",
      got: "5 bananas",
    });
  });

  it("either rejects any text by name or reads a finite time that is not negative", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const milliseconds = parseDuration(text, "x");
          expect(Number.isFinite(milliseconds) && milliseconds >= 0).toBe(true);
        } catch (error) {
          expect(isInvalidDurationError(error)).toBe(true);
        }
      }),
    );
  });
});

describe("isDuration", () => {
  it("tells what parseDuration can read", () => {
    expect([0, "1h", "5 bananas", Number.NaN, null].map(isDuration)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0ms"],
    [250.4, "250ms"],
    [999.9, "1s"],
    [1_000, "1s"],
    [2_500, "2.5s"],
    [2_549, "2.5s"],
    [59_999, "1m"],
    [60_000, "1m"],
    [90_000, "1m 30s"],
    [3_599_600, "1h"],
    [5_400_000, "1h 30m"],
    [86_399_000, "1d"],
    [85_200_000, "23h 40m"],
    [187_200_000, "2d 4h"],
    [31_557_600_000, "365d 6h"],
    [-90_000, "-1m 30s"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("prints %d ms for people", (milliseconds, printed) => {
    expect(formatDuration(milliseconds)).toBe(printed);
  });

  it("is read back as about the same time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (milliseconds) => {
        const again = parseDuration(formatDuration(milliseconds), "x");
        expect(Math.abs(again - milliseconds)).toBeLessThanOrEqual(
          Math.max(50, milliseconds / 48 + 1),
        );
      }),
    );
  });
});
