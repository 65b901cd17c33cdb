import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requeueDelay, spreadDelay } from "../src/backoff.ts";

const backoff = { baseMs: 30_000, factor: 2, maxMs: 3_600_000 };

describe("requeueDelay", () => {
  it("doubles with each time that a job came back, up to the maximum", () => {
    expect([0, 1, 2, 3, 8, 5_000].map((count) => requeueDelay(count, backoff))).toEqual([
      0, 30_000, 60_000, 120_000, 3_600_000, 3_600_000,
    ]);
    expect(requeueDelay(5_000, { ...backoff, baseMs: 0 })).toBe(0);
  });

  it("never shrinks", () => {
    fc.assert(
      fc.property(fc.nat(100), (n) => requeueDelay(n + 1, backoff) >= requeueDelay(n, backoff)),
    );
  });
});

describe("spreadDelay", () => {
  it("gives each of a crowd an instant of its own", () => {
    expect([0, 1, 2, 3].map((index) => spreadDelay(index, 4, 1_000))).toEqual([0, 250, 500, 750]);
    expect(spreadDelay(9, 4, 1_000)).toBe(1_000);
    expect(spreadDelay(0, 0, 1_000)).toBe(0);
  });
});
