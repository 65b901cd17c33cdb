import { userInfo } from "node:os";
import { type CommandInput, type CommandOption, InvalidOptionsError } from "@oppulence/worker-core";
import type { Limits } from "./limits.ts";
import type { ByHand } from "./limits-api.ts";

/** A command's exit code when it found nothing. */
export const FOUND_NOTHING = 3;

type CommandValues = CommandInput["options"];

/** Options that say why, and who. */
export const BY_HAND_OPTIONS: readonly CommandOption[] = [
  { flags: "--reason <text>", description: "why; kept with the change" },
  { flags: "--actor <name>", description: "who; the system's user unless given" },
];

/** Options that are limits, by the names that the configuration has. */
export const LIMIT_OPTIONS: readonly CommandOption[] = [
  { flags: "--max-concurrent <number>", description: "jobs that run at once" },
  { flags: "--max-per-second <number>", description: "units a second" },
  { flags: "--max-per-minute <number>", description: "units a minute" },
  { flags: "--limit <number>", description: "units a --period" },
  { flags: "--period <duration>", description: "over what time --limit is: 10s, 1h" },
  { flags: "--burst-size <number>", description: "units that may start at once after a pause" },
];

const NUMBERS = ["maxConcurrent", "maxPerSecond", "maxPerMinute", "limit", "burstSize"] as const;

/**
 * Reads {@link LIMIT_OPTIONS}; what limits are right is the schema's to say.
 *
 * @throws InvalidOptionsError for what is no number
 */
export function readLimits(options: CommandValues): Limits {
  const numbers = NUMBERS.flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [[name, readNumber(value, flagOf(name))] as const];
  });
  const { period } = options;
  return {
    ...Object.fromEntries(numbers),
    ...(typeof period === "string" ? { period } : {}),
  };
}

/** @throws InvalidOptionsError for anything but a whole number from 1 to 1,000 */
export function readRows(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const rows = readNumber(value, "--rows");
  if (Number.isInteger(rows) && rows >= 1 && rows <= 1_000) return rows;
  throw wrong("--rows", `got ${JSON.stringify(value)}; it is a whole number from 1 to 1000`);
}

/**
 * Reads {@link BY_HAND_OPTIONS}.
 *
 * @throws InvalidOptionsError without a reason
 */
export function readByHand(options: CommandValues): ByHand {
  const byHand = readActor(options);
  if (byHand.reason === undefined)
    throw wrong("--reason", "is missing: say why, it is kept and shown to everybody");
  return byHand;
}

/** Reads {@link BY_HAND_OPTIONS} where no reason is needed. */
export function readActor({ reason, actor }: CommandValues): ByHand {
  return {
    reason: typeof reason === "string" && reason.trim() !== "" ? reason.trim() : undefined,
    actor: typeof actor === "string" ? actor : systemUser(),
  };
}

function readNumber(value: unknown, flag: string): number {
  const text = String(value).trim();
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw wrong(flag, `got ${JSON.stringify(value)}; it is a number`);
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
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
  return new InvalidOptionsError("limits", [{ path, message }]);
}
