import { type Labels, parseDuration, type Query } from "@oppulence/worker-core";
import { UsageError } from "../errors.ts";

/** Values of a command's options, as the contract has them. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** The value of an option that was given as text. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** Values of an option that may be given more than once; undefined when it was not. */
export function listOption(options: OptionValues, name: string): readonly string[] | undefined {
  const value = options[name];
  return Array.isArray(value) && value.length > 0 ? (value as readonly string[]) : undefined;
}

/** Bounds of an {@link integerOption}. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * The value of an option that is a whole number.
 *
 * @param name - in camelCase
 * @throws UsageError for anything else, and for a number out of range
 */
export function integerOption(
  options: OptionValues,
  name: string,
  { least, most }: Range,
): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(
    `${flagOf(name)} got ${quote(text)}; it is a whole number from ${least} to ${most}`,
  );
}

/** `maxAttempts` is `--max-attempts`. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * An instant as ISO 8601 writes it. The zone is needed: the database, the workers and whoever types may be
 * in three different ones.
 *
 * @param flag - names it in the error
 * @throws UsageError
 */
function parseInstant(text: string, flag: string): Date {
  const [, day, time, zone] = INSTANT.exec(text) ?? [];
  const date = new Date(`${day}T${time}${zone?.toUpperCase()}`);
  const isRealDay = day !== undefined && isDay(day);
  if (isRealDay && !Number.isNaN(date.getTime())) return date;
  throw new UsageError(
    `${flag} got ${quote(text)}; it is a date and time with its zone, such as 2026-03-01T10:00:00Z or 2026-03-01T10:00+02:00`,
  );
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/**
 * When a job is to run: at an instant, or a time from now by the database's clock.
 *
 * @param at - name of the option that holds an instant; the other one is `in`
 * @throws UsageError when both are given; InvalidDurationError
 */
export async function readTime(
  options: OptionValues,
  at: string,
  query: Query,
): Promise<Date | undefined> {
  const instant = textOption(options, at);
  const delay = textOption(options, "in");
  if (instant !== undefined && delay !== undefined) {
    throw new UsageError(`got both ${flagOf(at)} and --in; give one of them`);
  }
  if (instant !== undefined) return parseInstant(instant, flagOf(at));
  if (delay === undefined) return undefined;
  const milliseconds = parseDuration(delay, "--in");
  return new Date((await databaseNow(query)).getTime() + milliseconds);
}

/** The database's time, which all workers go by. */
export async function databaseNow(query: Query): Promise<Date> {
  const [row] = await query<{ now: Date }>("select now() as now");
  return row?.now ?? new Date();
}

const MAX_ID = 9_223_372_036_854_775_807n;

/**
 * Job ids, each once.
 *
 * @throws UsageError for anything that no id can be
 */
export function readIds(ids: readonly string[]): string[] {
  const wrong = ids.find((id) => !/^\d{1,19}$/.test(id) || BigInt(id) > MAX_ID);
  if (wrong !== undefined)
    throw new UsageError(`got the job id ${quote(wrong)}; an id is a whole number`);
  return [...new Set(ids.map((id) => BigInt(id).toString()))];
}

/**
 * Labels from `name=value` texts.
 *
 * @throws UsageError for a text without `=`, and for a name that is there twice
 */
export function readLabels(texts: readonly string[] | undefined): Labels | undefined {
  if (texts === undefined) return undefined;
  const labels: Record<string, string> = Object.create(null);
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at <= 0) throw new UsageError(`--label got ${quote(text)}; it is name=value`);
    const name = text.slice(0, at);
    if (name in labels) throw new UsageError(`--label: ${quote(name)} is there twice`);
    labels[name] = text.slice(at + 1);
  }
  return { ...labels };
}

/** A value in a message. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
