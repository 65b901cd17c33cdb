import type { FailureDecision } from "../contract/decisions.ts";
import type { FailureInput } from "../contract/hooks.ts";
import type { Reason } from "../contract/reason.ts";
import { HookError } from "../errors.ts";
import { problemOfUntil, unknownKind } from "./check-decision.ts";
import { type CompiledHook, type HookReport, isPromise, within } from "./hook.ts";
import { stamp } from "./reasons.ts";

/** What `onFailure` hooks decide together: they write it here, and read what those before them wrote. */
export interface FailureVerdict {
  isLastAttempt: boolean;
  decision: FailureDecision | undefined;
  /** Why no attempt is left, where a hook decided so. */
  exhausted: Reason | undefined;
  /** The hook that takes the row. */
  taker: CompiledHook<FailureInput, FailureDecision> | undefined;
}

/**
 * Asks the `onFailure` hooks in order. A hook that fails decides nothing.
 *
 * The first `retry` or `exhaust` stands; `retry` has no effect on the last attempt; `taken` is a fact, and
 * comes over any of them.
 */
export async function askOnFailure<T extends FailureInput & FailureVerdict>(
  hooks: readonly CompiledHook<FailureInput, FailureDecision>[],
  input: T,
  report: HookReport,
): Promise<void> {
  for (const hook of hooks) {
    try {
      const pending = hook.call(input);
      const decision = isPromise(pending)
        ? await within(pending, hook.timeoutMs, hook.plugin, hook.name)
        : pending;
      if (decision !== undefined) apply(hook, input, decision as FailureDecision);
    } catch (error) {
      report.failed(hook.plugin, hook.name, error);
    }
  }
}

function apply(
  hook: CompiledHook<FailureInput, FailureDecision>,
  verdict: FailureVerdict,
  decision: FailureDecision,
): void {
  const { plugin } = hook;
  switch (decision?.kind) {
    case "retry": {
      const problem = problemOfUntil(decision.at, "retry, at");
      if (problem !== undefined) throw new HookError(plugin, "onFailure", problem);
      if (verdict.decision === undefined && !verdict.isLastAttempt) verdict.decision = decision;
      break;
    }
    case "exhaust":
      if (verdict.decision === undefined) {
        verdict.decision = decision;
        verdict.exhausted ??= stamp(plugin, decision.reason);
        verdict.isLastAttempt = true;
      }
      break;
    case "taken":
      verdict.decision = decision;
      verdict.taker = hook;
      if (decision.reason !== undefined) verdict.exhausted ??= stamp(plugin, decision.reason);
      verdict.isLastAttempt = true;
      break;
    default:
      throw new HookError(
        plugin,
        "onFailure",
        unknownKind(decision, '"retry", "exhaust", "taken"'),
      );
  }
}
