import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isHopeless, isRateLimitKeyError } from "../src/errors.ts";
import { keyOf, readKey, storedKey } from "../src/key.ts";
import type { LimiterDefinition } from "../src/options.ts";
import { limitedJob } from "./limited-job.ts";

const key = (answer: unknown) => () =>
  keyOf(
    "stripe",
    { key: (() => answer) as NonNullable<LimiterDefinition["key"]> },
    {},
    limitedJob(),
  );

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("keyOf", () => {
  it("asks of the payload and the job", () => {
    const definition: LimiterDefinition = {
      key: (payload, { labels }) => `${payload.to}/${labels["tenant"]}`,
    };
    expect(keyOf("stripe", definition, { to: "ada" }, limitedJob({ tenant: "acme" }))).toBe(
      "ada/acme",
    );
  });

  it("is empty without a function", () => {
    expect(keyOf("stripe", {}, {}, limitedJob())).toBe("");
  });

  it.each([
    ["acme", "acme"],
    ["", ""],
    [7, "7"],
    [-0.5, "-0.5"],
    [12n, "12"],
    [false, "false"],
  ])("takes %o", (answer, expected) => {
    expect(key(answer)()).toBe(expected);
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [{ id: 1 }, "an object"],
    [["a"], "an array"],
    [Symbol("a"), "a symbol"],
    [() => "a", "a function"],
    [Promise.resolve("a"), "a promise"],
  ])("refuses %o, for good", (answer, named) => {
    const error = caught(key(answer));
    expect(isRateLimitKeyError(error) && isHopeless(error)).toBe(true);
    expect(String(error)).toContain(`limiter "stripe": got ${named} as a key`);
  });

  it("does not end the process by a promise that rejects", async () => {
    let unhandled = 0;
    const count = () => {
      unhandled += 1;
    };
    process.on("unhandledRejection", count);
    expect(key(Promise.reject(new Error("boom")))).toThrow("a promise");
    await new Promise(setImmediate);
    process.off("unhandledRejection", count);
    expect(unhandled).toBe(0);
  });

  it("says what its function threw", () => {
    const boom = new TypeError("p.user is undefined");
    const error = caught(() =>
      keyOf(
        "stripe",
        {
          key: () => {
            throw boom;
          },
        },
        {},
        limitedJob(),
      ),
    );
    expect(error).toMatchObject({ code: "RATE_LIMIT_KEY", limiter: "stripe", cause: boom });
    expect(String(error)).toContain("threw: p.user is undefined");
  });
});

describe("storedKey", () => {
  it("hashes long keys, keeping their heads", () => {
    const long = "a".repeat(10_000);
    const stored = storedKey(long);
    expect(stored).toMatch(/^a{100}~[0-9a-f]{64}$/);
    expect(storedKey(long)).toBe(stored);
    expect(storedKey(`${long}b`)).not.toBe(stored);
    expect(storedKey("a".repeat(200))).toBe("a".repeat(200));
    expect(storedKey("a".repeat(201))).toHaveLength(165);
  });

  it("hashes what cannot be stored, and what looks hashed", () => {
    expect(storedKey("a\0b")).toMatch(/^a\ufffdb~[0-9a-f]{64}$/);
    expect(storedKey("\ud800")).not.toBe(storedKey("\ud801"));
    expect(storedKey("\ud800").isWellFormed()).toBe(true);
    const stored = storedKey("a".repeat(201));
    expect(storedKey(stored)).not.toBe(stored);
  });

  it("is short and storable, and differs where keys do", () => {
    const any = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.string({ unit: "grapheme", minLength: 190, maxLength: 210 }),
    );
    fc.assert(
      fc.property(any, any, (one, other) => {
        const stored = storedKey(one);
        return (
          stored.length <= 200 &&
          stored.isWellFormed() &&
          !stored.includes("\0") &&
          (stored === storedKey(other)) === (one === other)
        );
      }),
    );
  });

  it("is what readKey makes of a long number too", () => {
    expect(readKey("stripe", 10n ** 300n)).toHaveLength(165);
  });
});
