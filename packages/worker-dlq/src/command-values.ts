import {
  type CommandInput,
  type CommandOption,
  InvalidOptionsError,
  parseDuration,
} from "@oppulence/worker-core";
import type { DlqFilter, DlqSelection } from "./filter.ts";

/** Values of a command's options. */
export type CommandValues = CommandInput["options"];

/** Options that say which dead letters are meant. */
export const FILTER_OPTIONS: readonly CommandOption[] = [
  { flags: "--task <identifier>", description: "of this task" },
  { flags: "--error <text>", description: "with this text in the error's name or message" },
  { flags: "--fingerprint <id>", description: "of this cause, as `dlq groups` shows it" },
  { flags: "--reason <reason>", description: "that died for this reason: attempts_exhausted, …" },
  { flags: "--state <state>", description: "dead, returned (after a reprocess) or spent" },
  {
    flags: "--label <name=value...>",
    description: "of jobs that carried all of these labels; give ids before it",
  },
  {
    flags: "--since <time>",
    description: "moved at this time or later: 2026-03-01T10:00:00Z, or 2h ago as 2h",
  },
  { flags: "--until <time>", description: "moved before this time" },
];

/**
 * Reads {@link FILTER_OPTIONS}; only what was given is in the filter.
 *
 * @param now - milliseconds since the epoch
 * @throws InvalidOptionsError
 */
export function readFilterOptions(options: CommandValues, now: number): DlqFilter {
  const labels = readLabels(options["label"]);
  const since = readTime(options["since"], "--since", now);
  const until = readTime(options["until"], "--until", now);
  const texts = ["task", "error", "fingerprint", "reason", "state"].flatMap((name) => {
    const value = text(options[name]);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(texts),
    ...(labels === undefined ? {} : { labels }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/**
 * Which entries a command that changes them is to act on.
 *
 * @throws InvalidOptionsError when nothing says which: `--all` says every one
 */
export function readSelection(
  { args, options }: Pick<CommandInput, "args" | "options">,
  where: string,
  now: number,
): DlqSelection {
  const ids = args["ids"] as readonly string[] | undefined;
  const filter = readFilterOptions(options, now);
  const hasIds = ids !== undefined && ids.length > 0;
  const hasFilter = Object.keys(filter).length > 0;
  if (!hasIds && !hasFilter && options["all"] !== true)
    throw wrong(
      where,
      "",
      "got nothing that says which dead letters: give ids, a filter such as --task, or --all",
    );
  return { ...(hasIds ? { ids } : {}), ...(hasFilter || !hasIds ? { filter } : {}) };
}

/** The value of an option that was given. */
export function text(value: CommandValues[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** @throws InvalidOptionsError for anything but a whole number */
export function readInteger(value: CommandValues[string], flag: string): number | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  if (/^[+-]?\d{1,9}$/.test(given)) return Number(given);
  throw wrong("dlq", flag, `got ${JSON.stringify(given)}; it is a whole number`);
}

/** @throws InvalidOptionsError for what is not JSON */
export function readJson(value: CommandValues[string], flag: string): unknown {
  const given = text(value);
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given);
  } catch (error) {
    throw wrong("dlq", flag, `is not JSON: ${(error as Error).message}`);
  }
}

const INSTANT =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})$/i;

/**
 * An instant with its zone, or a duration before now.
 *
 * @throws InvalidOptionsError, InvalidDurationError
 */
function readTime(value: CommandValues[string], flag: string, now: number): Date | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  if (!/^\d{4}-/.test(given)) return new Date(now - parseDuration(given, flag));
  return readInstant(given, flag);
}

/**
 * An instant with its zone.
 *
 * @throws InvalidOptionsError
 */
export function readInstant(value: CommandValues[string], flag: string): Date | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  const date = new Date(given);
  if (INSTANT.test(given) && !Number.isNaN(date.getTime())) return date;
  throw wrong(
    "dlq",
    flag,
    `got ${JSON.stringify(given)}; it is a time with its zone, such as 2026-03-01T10:00:00Z`,
  );
}

function readLabels(value: CommandValues[string]): Record<string, string> | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs = (value as readonly string[]).map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at <= 0) throw wrong("dlq", "--label", `got ${JSON.stringify(pair)}; it is name=value`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

function wrong(where: string, path: string, message: string): InvalidOptionsError {
  return new InvalidOptionsError(where, [{ path, message }]);
}
