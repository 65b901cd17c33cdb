import { InvalidOptionsError, parseDuration } from "@oppulence/worker-core";

/** A command's exit code when it found nothing. */
export const FOUND_NOTHING = 3;

/** The value of an option that was given. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** @throws InvalidOptionsError for anything but a whole number of 1 or more */
export function readCount(value: unknown, flag: string): number | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(given)) return Number(given);
  throw wrong(flag, `got ${JSON.stringify(given)}; it is a whole number from 1 on`);
}

/** @throws InvalidOptionsError for what is not JSON */
export function readJson(value: unknown, flag: string): unknown {
  const given = text(value);
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given);
  } catch (error) {
    throw wrong(flag, `is not JSON: ${(error as Error).message}`);
  }
}

const INSTANT =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})$/i;

/**
 * An instant with its zone, or a duration before now.
 *
 * @throws InvalidOptionsError
 */
export function readTime(value: unknown, flag: string, now: number): Date | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  const instant = INSTANT.test(given) ? new Date(given) : undefined;
  if (instant !== undefined && !Number.isNaN(instant.getTime())) return instant;
  try {
    return new Date(now - parseDuration(given, flag));
  } catch {
    throw wrong(
      flag,
      `got ${JSON.stringify(given)}; it is a time with its zone, such as 2026-03-01T10:00:00Z, or a duration before now, such as 2h`,
    );
  }
}

function wrong(flag: string, message: string): InvalidOptionsError {
  return new InvalidOptionsError("schedule", [{ path: flag, message }]);
}
