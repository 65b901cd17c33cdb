import type { DeferDecision } from "../contract/decisions.ts";
import { messageOf } from "../errors.ts";

/** Between these, so that a crowd does not come back at once. */
const FROM_MS = 1_000;
const TO_MS = 5_000;

/** What becomes of a job whose `beforeRun` hook failed and is closed on errors. */
export function closedDeferral(error: unknown): DeferDecision {
  const message = `its beforeRun hook failed and is closed on errors: ${messageOf(error)}`;
  const after = FROM_MS + Math.random() * (TO_MS - FROM_MS);
  return { kind: "defer", until: { after }, reason: { code: "HOOK_FAILED", message } };
}
