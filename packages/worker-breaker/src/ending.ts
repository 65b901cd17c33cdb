import { causesOf, messageOf, readProperty } from "@oppulence/worker-core";
import type { Failure } from "./machine.ts";
import { retryTimeOf } from "./retry-after.ts";
import type { Settings } from "./settings.ts";

/** How a call ended, for its circuit; without a verdict where it says nothing about the dependency. */
export type Ending =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "no-verdict" };

/** What a call came to. */
export type CallResult =
  | { readonly threw: false; readonly result: unknown }
  | { readonly threw: true; readonly error: unknown };

const SUCCEEDED: Ending = { kind: "succeeded" };
const NO_VERDICT: Ending = { kind: "no-verdict" };
/** The call was cancelled, or stopped by another circuit: that is not this dependency's doing. */
const NO_VERDICT_CODES: readonly unknown[] = ["JOB_CANCELLED", "CIRCUIT_OPEN", "BREAKER_BUSY"];

/**
 * Judges a call.
 *
 * @param onProblem - told of what `isFailure` throws; an error is a failure then, and a result is none
 */
export function endingOf(
  call: CallResult,
  { isFailure }: Pick<Settings, "isFailure">,
  onProblem: (error: unknown) => void,
): Ending {
  const error = call.threw ? call.error : undefined;
  if (
    call.threw &&
    causesOf(error).some((each) => NO_VERDICT_CODES.includes(readProperty(each, "code")))
  )
    return NO_VERDICT;
  if (!isFailed(call, isFailure, onProblem)) return SUCCEEDED;
  const message = call.threw ? messageOf(error) : "its result counts as a failure";
  return { kind: "failed", failure: { message, retry: retryTimeOf(error) } };
}

function isFailed(
  call: CallResult,
  isFailure: Settings["isFailure"],
  onProblem: (error: unknown) => void,
): boolean {
  if (isFailure === undefined) return call.threw;
  try {
    return call.threw
      ? isFailure(call.error, undefined) === true
      : isFailure(undefined, call.result) === true;
  } catch (problem) {
    onProblem(problem);
    return call.threw;
  }
}
