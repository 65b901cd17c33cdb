import { describe, expect, it } from "vitest";
import * as errors from "../src/errors.ts";

const ref = { limiter: "stripe", key: "acme" };
const all: [Error & { code: string }, (error: unknown) => boolean][] = [
  [new errors.RateLimitedError("full", ref, 5), errors.isRateLimitedError],
  [new errors.AcquireTimeoutError(ref, 100), errors.isAcquireTimeoutError],
  [new errors.LimitStoreError("late"), errors.isLimitStoreError],
  [new errors.UnknownLimiterError("strpe", ""), errors.isUnknownLimiterError],
  [new errors.RateLimitKeyError("stripe", "no"), errors.isRateLimitKeyError],
  [new errors.RateLimitUnitsError("stripe", "no"), errors.isRateLimitUnitsError],
  [new errors.InvalidLimitsError("stripe", "no"), errors.isInvalidLimitsError],
];

describe("errors", () => {
  it.each(all)(
    "%o is known by its guard alone, also from another copy of the package",
    (error, guard) => {
      expect(guard({ code: error.code })).toBe(true);
      expect(all.filter(([other]) => guard(other)).map(([other]) => other)).toEqual([error]);
      expect(error.name).toBe(error.constructor.name);
      for (const no of [undefined, null, "code", 7, {}, new Error("code")])
        expect(guard(no)).toBe(false);
    },
  );

  it("are hopeless only where a job can never start", () => {
    const hopeless = all.map(([error]) => error).filter(errors.isHopeless);
    expect(hopeless.map(({ code }) => code)).toEqual(["RATE_LIMIT_KEY", "RATE_LIMIT_UNITS"]);
  });

  it("say of a caller that waited: limiter, key, how long", () => {
    expect(new errors.AcquireTimeoutError(ref, 100).message).toBe(
      'limiter "stripe", key "acme": no turn came within 100 ms',
    );
    expect(new errors.AcquireTimeoutError({ ...ref, key: "" }, 100).message).toBe(
      'limiter "stripe": no turn came within 100 ms',
    );
  });
});
