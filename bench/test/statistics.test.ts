import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median, quantile, spread } from "../src/statistics.ts";

describe("median", () => {
  it("is the middle value, in whatever order they come", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("is the mean of the two middle values of an even number", () => {
    expect(median([1, 2, 4, 100])).toBe(3);
  });

  it("leaves the values as they were", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it("has as many values below as above", () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it("refuses an empty list", () => {
    expect(() => median([])).toThrow("a quantile needs at least one value, got none");
  });
});

describe("quantile", () => {
  it("interpolates between neighbours", () => {
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5);
  });

  it("is the smallest value at 0 and the largest at 1", () => {
    expect([quantile([4, 2, 8], 0), quantile([4, 2, 8], 1)]).toEqual([2, 8]);
  });
});

describe("spread", () => {
  it("is the smallest and the largest value", () => {
    expect(spread([4, 2, 8])).toEqual({ min: 2, max: 8 });
  });
});
