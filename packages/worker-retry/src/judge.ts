import {
  causesOf,
  type Duration,
  exhaust,
  type FailureDecision,
  type FailureInput,
  messageOf,
  parseDuration,
  readProperty,
  retry as retryDecision,
  type Until,
} from "@oppulence/worker-core";
import { attemptsOf } from "./attempts.ts";
import { delayMs } from "./backoff.ts";
import { isNamed, partsOf } from "./error-chain.ts";
import { cancelMessage, isNonRetryableError, isRetryAfterError } from "./errors.ts";
import { type BackoffFunction, type ErrorMatch, LONGEST_DELAY_MS } from "./options.ts";
import { DEFAULT_BACKOFF, type Policy } from "./policy.ts";
import { retryAfterOf } from "./retry-after.ts";

/** What {@link judge} needs beside the failure. */
export interface JudgeSettings {
  readonly policy: Policy;
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly maxRetryAfter: Duration;
  /** When the job is too late for another attempt: milliseconds since the epoch, if ever. */
  readonly deadline: number | undefined;
  /** Why the job was cancelled, if it was. */
  readonly cancelled: string | undefined;
  /** Told of the user's functions that throw. */
  readonly onProblem: (problem: string, error: unknown) => void;
}

/**
 * What becomes of a job whose attempt failed: no more attempts, with the reason, or when the next one is due.
 *
 * The reasons of a last attempt are told as well: what is done with dead jobs may depend on them.
 *
 * @returns undefined where another plugin has decided, and where the attempts are simply used up
 */
export function judge(input: FailureInput, settings: JudgeSettings): FailureDecision | undefined {
  if (input.decision !== undefined || input.exhausted !== undefined) return undefined;
  const { policy, cancelled } = settings;
  const { error, job } = input;
  if (cancelled !== undefined)
    return exhaust({ code: "CANCELLED", message: cancelMessage(cancelled) });
  const word = lastWordOf(error, settings.now());
  if (word === "give up") return exhaust({ code: "NOT_RETRYABLE", message: messageOf(error) });
  if (word === undefined && !isWorthRetrying(error, settings))
    return exhaust({ code: "NOT_WORTH_RETRYING", message: messageOf(error) });
  if (input.isLastAttempt) return undefined;
  const most = attemptsOf(job, policy);
  if (job.attempts >= most) {
    const message = `attempt ${job.attempts} of ${most} failed: ${messageOf(error)}`;
    return exhaust({ code: "ATTEMPTS_EXHAUSTED", message });
  }
  const until = word ?? { after: waitMs(input, settings) };
  return tooLate(until, settings) ?? retryDecision(until);
}

/** An attempt that could only be skipped is not waited for: the failure would be forgotten with the job. */
function tooLate(until: Until, { deadline, now }: JudgeSettings): FailureDecision | undefined {
  if (deadline === undefined || dueMs(until, now()) <= deadline) return undefined;
  const message = `another attempt would come after the deadline, ${new Date(deadline).toISOString()}`;
  return exhaust({ code: "EXPIRED", message });
}

/**
 * What the error itself says: its outermost `NonRetryableError` or `RetryAfterError` decides. A batch gives
 * up when all its failed entries do, and waits for the latest of them.
 */
function lastWordOf(error: unknown, now: number): Until | "give up" | undefined {
  const words = partsOf(error).map(wordOf);
  if (words.every((word) => word === "give up")) return "give up";
  const times = words.filter((word) => word !== undefined && word !== "give up");
  return times.sort((a, b) => dueMs(b, now) - dueMs(a, now))[0];
}

function wordOf(error: unknown): Until | "give up" | undefined {
  for (const each of causesOf(error)) {
    if (isNonRetryableError(each)) return "give up";
    const until = isRetryAfterError(each) ? untilOf(each) : undefined;
    if (until !== undefined) return until;
  }
  return undefined;
}

/** The error may be of another version of this package, or only look like one: what is no time is passed over. */
function untilOf(error: object): Until | undefined {
  const at = readProperty(error, "at");
  if (at instanceof Date && !Number.isNaN(at.getTime())) return at;
  try {
    const afterMs = parseDuration(readProperty(error, "after") as Duration, "");
    return { after: Math.min(afterMs, LONGEST_DELAY_MS) };
  } catch {
    return undefined;
  }
}

function dueMs(until: Until, now: number): number {
  return until instanceof Date ? until.getTime() : now + parseDuration(until.after, "");
}

/** A batch is worth another attempt when one of its failed entries is. */
function isWorthRetrying(error: unknown, { policy, onProblem }: JudgeSettings): boolean {
  const { retryOn, giveUpOn } = policy;
  if (retryOn === undefined && giveUpOn === undefined) return true;
  const matches = (
    name: string,
    match: ErrorMatch | undefined,
    each: unknown,
    otherwise: boolean,
  ) => {
    if (match === undefined) return otherwise;
    if (typeof match !== "function") return isNamed(each, match);
    try {
      return match(each) === true;
    } catch (problem) {
      onProblem(`${name} threw; it counts as if it were not given`, problem);
      return otherwise;
    }
  };
  return partsOf(error).some(
    (each) =>
      !matches("giveUpOn", giveUpOn, each, false) && matches("retryOn", retryOn, each, true),
  );
}

function waitMs(input: FailureInput, settings: JudgeSettings): number {
  const { error, job } = input;
  const { policy, random, maxRetryAfter, now, onProblem } = settings;
  if (policy.httpRetryAfter) {
    const waits = partsOf(error).flatMap(
      (each) => retryAfterOf(each, { max: maxRetryAfter, now: now() }) ?? [],
    );
    if (waits.length > 0) return Math.max(...waits);
  }
  const { backoff } = policy;
  if (typeof backoff !== "function") return delayMs(backoff, job.attempts, random);
  try {
    return ownWaitMs(backoff, job.attempts, error);
  } catch (problem) {
    onProblem("backoff failed; the default back-off holds", problem);
    return delayMs(DEFAULT_BACKOFF, job.attempts, random);
  }
}

/** @throws InvalidDurationError, and what the function throws */
function ownWaitMs(backoff: BackoffFunction, attempt: number, error: unknown): number {
  const ms = parseDuration(backoff(attempt, error), "backoff, returned");
  return Math.min(Math.round(ms), LONGEST_DELAY_MS);
}
