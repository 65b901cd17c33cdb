import { describe, expect, it } from "vitest";
import { isHopeless, isRateLimitUnitsError } from "../src/errors.ts";
import { bucketsOf } from "../src/limits.ts";
import type { LimiterDefinition } from "../src/options.ts";
import { fitOf, misfitOf, unitsOf } from "../src/units.ts";
import { limitedJob } from "./limited-job.ts";

const units = (answer: unknown) => () =>
  unitsOf(
    "stripe",
    { units: (() => answer) as NonNullable<LimiterDefinition["units"]> },
    {},
    limitedJob(),
  );
const buckets = (burstSize: number) =>
  bucketsOf("stripe", "", { maxConcurrent: 1, maxPerSecond: 10, burstSize });

describe("unitsOf", () => {
  it("asks of the payload, and is 1 without a function", () => {
    const definition: LimiterDefinition = { units: (payload) => payload.rows };
    expect(unitsOf("stripe", definition, { rows: 3 }, limitedJob())).toBe(3);
    expect(unitsOf("stripe", {}, {}, limitedJob())).toBe(1);
  });

  it.each([
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    "3",
    3n,
    undefined,
    null,
    {},
  ])("refuses %o, for good", (answer) => {
    expect(units(answer)).toThrow("units are a whole number, 1 or more");
    try {
      units(answer)();
    } catch (error) {
      expect(isRateLimitUnitsError(error) && isHopeless(error)).toBe(true);
    }
  });

  it("says what its function threw", () => {
    const throws = () => {
      throw new Error("no rows");
    };
    expect(() => unitsOf("stripe", { units: throws }, {}, limitedJob())).toThrow(
      'limiter "stripe": its units function threw: no rows',
    );
  });
});

describe("fitOf", () => {
  it("lets go what fits the burst, without asking for the definition", () => {
    const defined = () => {
      throw new Error("asked");
    };
    expect(fitOf(5, buckets(5), defined)).toBe("fits");
    expect(fitOf(1_000, bucketsOf("a", "", { maxConcurrent: 1 }), defined)).toBe("fits");
  });

  it("tells a burst that was set at run time from the definition's own", () => {
    expect(fitOf(6, buckets(5), () => buckets(6))).toBe("not-now");
    expect(fitOf(7, buckets(5), () => buckets(6))).toBe("never");
  });

  it("goes by the smallest burst", () => {
    const both = bucketsOf("a", "", { maxPerSecond: 2, maxPerMinute: 60 });
    expect(fitOf(3, both, () => both)).toBe("never");
    expect(misfitOf("a", 3, both).message).toBe(
      'limiter "a": 3 units never start: no more than its burst of 2 start at once; raise burstSize, or split the work',
    );
  });
});
