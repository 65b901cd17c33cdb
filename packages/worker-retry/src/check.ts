import { formatDuration, type TaskInfo } from "@oppulence/worker-core";
import type { Policy } from "./policy.ts";

/** What makes no sense in a task's policy, one sentence each. */
export function problemsOfPolicy(
  { identifier, options, spec }: TaskInfo,
  policy: Policy,
): readonly string[] {
  const { backoff, maxAttempts, timeoutMs, expireAfterMs, retryOn, giveUpOn } = policy;
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`task ${JSON.stringify(identifier)}: ${problem}`);
  if (timeoutMs !== undefined && expireAfterMs !== undefined && timeoutMs > expireAfterMs)
    say(
      `its timeout of ${formatDuration(timeoutMs)} is longer than its expireAfter of ${formatDuration(expireAfterMs)}: no attempt follows one that times out`,
    );
  if (
    typeof backoff !== "function" &&
    backoff.type === "exponential" &&
    backoff.baseMs > backoff.capMs
  )
    say(
      `its backoff starts with ${formatDuration(backoff.baseMs)}, above its cap of ${formatDuration(backoff.capMs)}: every wait is the cap`,
    );
  const own = options.retry;
  if (
    own?.maxAttempts !== undefined &&
    spec?.maxAttempts !== undefined &&
    own.maxAttempts !== spec.maxAttempts
  )
    say(
      `spec.maxAttempts is ${spec.maxAttempts} and retry.maxAttempts is ${own.maxAttempts}: the first one holds; leave one out`,
    );
  if (maxAttempts === 1 && own?.backoff !== undefined)
    say("it has a backoff, but only one attempt: no wait ever comes");
  if (Array.isArray(retryOn) && Array.isArray(giveUpOn)) {
    const both = retryOn.filter((name: string) => giveUpOn.includes(name));
    if (both.length > 0) say(`${both.join(", ")} is in retryOn and in giveUpOn: giveUpOn holds`);
  }
  return problems;
}
