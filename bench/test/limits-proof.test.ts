import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excessOf, type Start } from "../soak/limits-proof.ts";

const at = (second: number, units = 1): Start => ({ units, low: second, high: second });
const rule = { perSecond: 10, burst: 5 };

describe("excessOf", () => {
  it("is at most 0 for a burst, and for starts at the rate after it", () => {
    const burst = Array.from({ length: 5 }, () => at(0));
    const rest = Array.from({ length: 20 }, (_, n) => at((n + 1) / 10));
    expect(excessOf([...burst, ...rest], rule)).toBeCloseTo(0);
  });

  it("sees one start too many, wherever its window begins", () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 3 }), (where, more) => {
        const starts = Array.from({ length: 41 }, (_, n) => at(n / 10));
        const crowd = Array.from({ length: 4 + more }, () => at(where / 10));
        expect(excessOf([...starts, ...crowd], rule)).toBeGreaterThanOrEqual(more - 1e-9);
      }),
    );
  });

  it("counts weights, and no start that may have been outside", () => {
    expect(excessOf([at(0, 3), at(0, 3)], rule)).toBe(1);
    expect(excessOf([at(0, 3), { units: 3, low: -1, high: 0 }], rule)).toBeLessThanOrEqual(0);
  });
});
