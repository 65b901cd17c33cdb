import type { FailureInput } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { NonRetryableError, RetryAfterError } from "../src/errors.ts";
import { judge } from "../src/judge.ts";
import type { RetryTaskOptions } from "../src/options.ts";
import { resolvePolicy } from "../src/policy.ts";

const now = Date.UTC(2030, 0, 31);

/** Judges one failure: of the second attempt of ten, unless said. */
function verdict(
  error: unknown,
  options: RetryTaskOptions = {},
  over: Partial<FailureInput> & { deadline?: number; cancelled?: string } = {},
) {
  const { deadline, cancelled, ...input } = over;
  const problems: string[] = [];
  const job = { id: "1", attempts: 2, max_attempts: 10 };
  const decision = judge(
    { job, error, isLastAttempt: false, ...input } as unknown as FailureInput,
    {
      policy: resolvePolicy({ backoff: ["1s"] }, options),
      random: () => 0.5,
      now: () => now,
      maxRetryAfter: "1d",
      deadline,
      cancelled,
      onProblem: (problem) => problems.push(problem),
    },
  );
  return { decision, problems };
}

const code = (...given: Parameters<typeof verdict>) => {
  const { decision } = verdict(...given);
  return decision?.kind === "exhaust" ? decision.reason.code : decision?.kind;
};

describe("judge", () => {
  it("has the back-off set the next attempt", () => {
    expect(verdict(new Error("x")).decision).toEqual({ kind: "retry", at: { after: 1_000 } });
    const backoff = (attempt: number, error: unknown) => `${attempt}m ${(error as Error).message}`;
    expect(verdict(new Error("5s"), { backoff }).decision).toMatchObject({
      at: { after: 125_000 },
    });
  });

  it("bounds what a back-off function says to a year", () => {
    const { decision } = verdict(new Error("x"), { backoff: () => "1000y" });
    expect(decision).toMatchObject({ at: { after: 365 * 86_400_000 } });
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["says nonsense", () => "soon"],
    ["is asynchronous", (async () => 1) as never],
  ])("goes on with the default when a back-off function %s", (_, backoff) => {
    const { decision, problems } = verdict(new Error("x"), { backoff });
    expect(decision).toMatchObject({ at: { after: 1_500 } });
    expect(problems).toEqual(["backoff failed; the default back-off holds"]);
  });

  it("leaves what others have decided", () => {
    const error = new NonRetryableError("no");
    expect(verdict(error, {}, { decision: { kind: "taken" } }).decision).toBeUndefined();
    const exhausted = { plugin: "other", code: "X", message: "x" };
    expect(verdict(error, {}, { exhausted, isLastAttempt: true }).decision).toBeUndefined();
  });

  it("says why a last attempt was the last, but not that attempts are used up", () => {
    const last = { isLastAttempt: true };
    expect(code(new NonRetryableError("no"), {}, last)).toBe("NOT_RETRYABLE");
    expect(code(new Error("x"), {}, { ...last, cancelled: "wrong" })).toBe("CANCELLED");
    expect(code(new Error("x"), {}, last)).toBeUndefined();
  });

  it("lets the outermost word of an error decide", () => {
    const later = new RetryAfterError("later", { after: "1m" });
    const wrapped = new RetryAfterError(
      "later",
      { after: "1m" },
      { cause: new NonRetryableError("no") },
    );
    expect(code(new NonRetryableError("no", { cause: later }))).toBe("NOT_RETRYABLE");
    expect(verdict(wrapped).decision).toMatchObject({ at: { after: 60_000 } });
  });

  it("hears errors of another copy of the package, and passes over what only looks like one", () => {
    expect(code({ code: "NOT_RETRYABLE" })).toBe("NOT_RETRYABLE");
    const at = new Date(now + 5_000);
    expect(verdict({ code: "RETRY_AFTER", at }).decision).toMatchObject({ at });
    expect(verdict({ code: "RETRY_AFTER", after: "10000y" }).decision).toMatchObject({
      at: { after: 365 * 86_400_000 },
    });
    expect(verdict({ code: "RETRY_AFTER", at: "soon" }).decision).toMatchObject({
      at: { after: 1_000 },
    });
  });

  it("gives a batch up when all its failed entries are hopeless, and waits for the latest of them", () => {
    const no = new NonRetryableError("no");
    const later = (after: string) => new RetryAfterError("later", { after });
    expect(code(new AggregateError([no, no]))).toBe("NOT_RETRYABLE");
    expect(code(new AggregateError([no, new Error("x")]))).toBe("retry");
    const { decision } = verdict(new AggregateError([later("1m"), no, later("3m"), later("2m")]));
    expect(decision).toMatchObject({ at: { after: 180_000 } });
  });

  it("tells which errors are worth retrying, by name, code or function", () => {
    const refused = Object.assign(new TypeError("x"), { code: "ECONNREFUSED" });
    expect(code(refused, { retryOn: ["ECONNREFUSED"] })).toBe("retry");
    expect(code(refused, { retryOn: ["ECONNRESET"] })).toBe("NOT_WORTH_RETRYING");
    expect(code(refused, { retryOn: ["ECONNREFUSED"], giveUpOn: ["TypeError"] })).toBe(
      "NOT_WORTH_RETRYING",
    );
    expect(code(refused, { giveUpOn: (error) => error === refused })).toBe("NOT_WORTH_RETRYING");
    expect(code(refused, { giveUpOn: () => "yes" as never })).toBe("retry");
    expect(code(new AggregateError([refused, new Error("x")]), { giveUpOn: ["TypeError"] })).toBe(
      "retry",
    );
  });

  it("retries when the task's own judgement fails, and says so", () => {
    const fails = () => {
      throw new Error("bug");
    };
    const { decision, problems } = verdict(new Error("x"), { retryOn: fails, giveUpOn: fails });
    expect(decision?.kind).toBe("retry");
    expect(problems).toEqual([
      "giveUpOn threw; it counts as if it were not given",
      "retryOn threw; it counts as if it were not given",
    ]);
  });

  it("holds a job with the engine's default attempts to its policy, and no other", () => {
    const job = (attempts: number, most: number) => ({
      job: { id: "1", attempts, max_attempts: most } as FailureInput["job"],
    });
    expect(code(new Error("x"), { maxAttempts: 3 }, job(2, 25))).toBe("retry");
    expect(code(new Error("x"), { maxAttempts: 3 }, job(3, 25))).toBe("ATTEMPTS_EXHAUSTED");
    expect(code(new Error("x"), { maxAttempts: 3 }, job(3, 9))).toBe("retry");
    expect(code(new Error("x"), { maxAttempts: 100 }, job(24, 25))).toBe("retry");
  });

  it("does not wait for an attempt that would come too late", () => {
    expect(code(new Error("x"), {}, { deadline: now + 1_000 })).toBe("retry");
    expect(code(new Error("x"), {}, { deadline: now + 999 })).toBe("EXPIRED");
    const at = new Date(now + 2_000);
    expect(code(new RetryAfterError("x", { at }), {}, { deadline: now + 1_000 })).toBe("EXPIRED");
  });

  it("reads an HTTP answer only where asked", () => {
    const error = { message: "429", response: { headers: { "retry-after": "60" } } };
    expect(verdict(error).decision).toMatchObject({ at: { after: 1_000 } });
    expect(verdict(error, { httpRetryAfter: true }).decision).toMatchObject({
      at: { after: 60_000 },
    });
  });
});
