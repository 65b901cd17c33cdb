import { isInvalidDurationError } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { isNamed, partsOf } from "../src/error-chain.ts";
import {
  isJobCancelledError,
  isJobTimeoutError,
  isNonRetryableError,
  isRetryAfterError,
  JobCancelledError,
  JobTimeoutError,
  NonRetryableError,
  RetryAfterError,
} from "../src/index.ts";

describe("errors of retries", () => {
  it.each([
    [isNonRetryableError, new NonRetryableError("no"), "no"],
    [isRetryAfterError, new RetryAfterError("later", { after: "1m" }), "later"],
    [
      isJobTimeoutError,
      new JobTimeoutError("7", "work", 90_000),
      'task "work" took longer than its timeout of 1m 30s',
    ],
    [isJobCancelledError, new JobCancelledError("7", "wrong"), "job 7 was cancelled: wrong"],
    [isJobCancelledError, new JobCancelledError("7", "cancelled"), "job 7 was cancelled"],
  ])("are told by %o", (guard, error, message) => {
    expect(guard(error)).toBe(true);
    // Another copy of the package has other classes.
    expect(guard({ code: error.code })).toBe(true);
    expect(error.message).toBe(message);
    expect(error.name).toBe(error.constructor.name);
    for (const other of [new Error("x"), null, undefined, "text", { code: "OTHER" }])
      expect(guard(other)).toBe(false);
  });

  it("keep their cause", () => {
    const cause = new Error("inner");
    expect(new NonRetryableError("no", { cause }).cause).toBe(cause);
    expect(new RetryAfterError("later", { after: 1 }, { cause }).cause).toBe(cause);
  });
});

describe("RetryAfterError", () => {
  it("holds an instant, or a time from the failure on", () => {
    const at = new Date("2030-01-31T12:00:00Z");
    expect(new RetryAfterError("later", { at })).toMatchObject({ at, after: undefined });
    expect(new RetryAfterError("later", { after: "1m" })).toMatchObject({
      at: undefined,
      after: "1m",
    });
  });

  it("refuses a time that is none", () => {
    const make = (time: object) => () => new RetryAfterError("later", time as { after: string });
    expect(make({ after: "soon" })).toThrow(expect.toSatisfy(isInvalidDurationError));
    expect(make({})).toThrow(expect.toSatisfy(isInvalidDurationError));
    expect(make({ at: "2030-01-31" })).toThrow(
      /^RetryAfterError, at: got 2030-01-31; it is a valid Date/,
    );
    expect(make({ at: new Date(Number.NaN) })).toThrow(RangeError);
  });

  it("is made from an HTTP header, clamped, or not at all", () => {
    expect(RetryAfterError.fromHeader("30")).toMatchObject({
      message: "told to retry after 30s",
      after: 30_000,
    });
    const cause = new Error("429");
    const busy = RetryAfterError.fromHeader("9999", { max: "1m", message: "busy", cause });
    expect(busy).toMatchObject({ message: "busy", after: 60_000, cause });
    expect(RetryAfterError.fromHeader(null)).toBeUndefined();
    expect(RetryAfterError.fromHeader("soon")).toBeUndefined();
  });
});

describe("isNamed", () => {
  it("looks at names and codes, of causes too", () => {
    const error = new TypeError("fetch failed", {
      cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }),
    });
    expect(isNamed(error, ["TypeError"])).toBe(true);
    expect(isNamed(error, ["ECONNREFUSED"])).toBe(true);
    expect(isNamed(error, ["ECONNRESET"])).toBe(false);
    expect(isNamed({ code: 42 }, ["42"])).toBe(false);
  });
});

describe("partsOf", () => {
  it("takes a batch's error apart", () => {
    const parts = [new Error("a"), new Error("b")];
    expect(partsOf(new AggregateError(parts))).toEqual(parts);
    const empty = new AggregateError([]);
    expect(partsOf(empty)).toEqual([empty]);
    expect(partsOf("text")).toEqual(["text"]);
  });
});
