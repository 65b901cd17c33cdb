import type { Reason, ReasonInput } from "../contract/reason.ts";
import { CORE_PLUGIN } from "../core-migrations.ts";

/** A plugin's reason with its name. */
export function stamp(plugin: string, { code, message }: ReasonInput): Reason {
  // PostgreSQL's text cannot hold a NUL byte, and the message may be any error's.
  return { plugin, code, message: message.replaceAll("\0", "\\0") };
}

/** Why a job whose payload does not match its task's schema fails for good. */
export function invalidPayload(error: Error): Reason {
  return stamp(CORE_PLUGIN, { code: "INVALID_PAYLOAD", message: error.message });
}
