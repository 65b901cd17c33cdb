import { describe, expect, it } from "vitest";
import { endingOf } from "../src/ending.ts";
import { BreakerBusyError, CircuitOpenError } from "../src/errors.ts";
import { retryTimeOf } from "../src/retry-after.ts";

const judge = (error: unknown) =>
  endingOf({ threw: true, error }, { isFailure: undefined }, () => {}).kind;

describe("endingOf", () => {
  it("passes over calls that were cancelled, or stopped by another circuit", () => {
    const details = { dependency: "crm", since: undefined, nextProbe: undefined };
    const open = new CircuitOpenError("open", details);
    expect(judge(open)).toBe("no-verdict");
    expect(judge(new Error("wrapped", { cause: open }))).toBe("no-verdict");
    expect(judge(new BreakerBusyError("busy", "crm", 1))).toBe("no-verdict");
    expect(judge({ code: "JOB_CANCELLED" })).toBe("no-verdict");
  });

  it("takes anything else that is thrown for a failure", () => {
    for (const error of [new Error("boom"), undefined, null, "boom", { code: "JOB_TIMEOUT" }])
      expect(judge(error)).toBe("failed");
  });
});

describe("retryTimeOf", () => {
  it("reads errors by their shape, and their causes", () => {
    const at = new Date();
    expect(retryTimeOf({ code: "RETRY_AFTER", at })).toEqual({ at: at.getTime() });
    const cause = { code: "RETRY_AFTER", after: "2s" };
    expect(retryTimeOf(new Error("wrapped", { cause }))).toEqual({ afterMs: 2_000 });
  });

  it("passes over what only looks like one", () => {
    const circle: { code: string; cause?: unknown } = { code: "OTHER" };
    circle.cause = circle;
    const hostile = Object.defineProperty({}, "code", {
      get: () => {
        throw new Error("no");
      },
    });
    for (const error of [
      circle,
      hostile,
      { code: "RETRY_AFTER" },
      { code: "RETRY_AFTER", after: "soon" },
      { code: "RETRY_AFTER", at: new Date(Number.NaN) },
      7,
    ])
      expect(retryTimeOf(error)).toBeUndefined();
  });
});
