import { userInfo } from "node:os";
import { type CommandOption, InvalidOptionsError } from "@oppulence/worker-core";
import type { ByHand } from "./api.ts";

/** A command's exit code when it found nothing. */
export const FOUND_NOTHING = 3;

/** Options that say why, and who. */
export const BY_HAND_OPTIONS: readonly CommandOption[] = [
  { flags: "--reason <text>", description: "why; kept with the transition" },
  { flags: "--actor <name>", description: "who; the system's user unless given" },
];

/** @throws InvalidOptionsError for anything but a whole number from 1 to 1,000 */
export function readLimit(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= 1_000) return limit;
  throw wrong("--limit", `got ${JSON.stringify(value)}; it is a whole number from 1 to 1000`);
}

/**
 * Reads {@link BY_HAND_OPTIONS}.
 *
 * @param needsReason - what stays until somebody resets it is explained
 * @throws InvalidOptionsError without a reason that is needed
 */
export function readByHand(
  { reason, actor }: Readonly<Record<string, unknown>>,
  needsReason: boolean,
): ByHand {
  const why = typeof reason === "string" && reason.trim() !== "" ? reason.trim() : undefined;
  if (needsReason && why === undefined)
    throw wrong("--reason", "is missing: say why, it is kept and shown to everybody who waits");
  return { reason: why, actor: typeof actor === "string" ? actor : systemUser() };
}

function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A user without a name, as in some containers.
    return undefined;
  }
}

function wrong(path: string, message: string): InvalidOptionsError {
  return new InvalidOptionsError("breaker", [{ path, message }]);
}
