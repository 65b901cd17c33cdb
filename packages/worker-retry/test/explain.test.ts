import type { ExplainInput } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { explainRetry } from "../src/explain.ts";
import { resolvePolicy } from "../src/policy.ts";

const runAt = new Date("2030-01-31T12:00:00Z");
const explain = (job: object, labels: Record<string, string> = {}, maxAttempts?: number) => {
  const row = { run_at: runAt, attempts: 1, max_attempts: 25, locked_at: null, last_error: "boom" };
  const input = { job: { ...row, ...job }, labels, task: undefined } as unknown as ExplainInput;
  return explainRetry(input, resolvePolicy(maxAttempts === undefined ? {} : { maxAttempts }));
};

describe("explaining a job with retries", () => {
  it("says for which attempt it waits, until when, and after what", () => {
    expect(explain({})).toEqual({
      code: "WAITS_FOR_RETRY",
      message: "waits for attempt 2 of 25 until 2030-01-31T12:00:00.000Z, after: boom",
      until: runAt,
      blocking: false,
    });
    expect(explain({}, {}, 3)?.message).toContain("attempt 2 of 3");
    expect(explain({ last_error: null })?.message).toContain(
      "after: an attempt that left no error",
    );
  });

  it("says when it is too late", () => {
    const labels = { "expires-at": "2030-01-31T13:00:00Z" };
    expect(explain({}, labels)?.message).toMatch(
      /; it is skipped if it starts after 2030-01-31T13:00:00.000Z$/,
    );
    expect(explain({ attempts: 0 }, labels)).toMatchObject({
      code: "HAS_DEADLINE",
      blocking: false,
    });
  });

  it("has nothing to say of a job that runs, has failed, or was never tried", () => {
    expect(explain({ locked_at: runAt })).toBeUndefined();
    expect(explain({ attempts: 25 })).toBeUndefined();
    expect(explain({ attempts: 0 })).toBeUndefined();
  });
});
