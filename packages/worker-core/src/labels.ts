import type { Labels } from "./contract/job.ts";
import { printValue } from "./print-value.ts";

const NAME = /^[A-Za-z][\w.-]{0,63}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it rejects
const CONTROL = /[\u0000-\u001f\u007f]/;
const MAX_VALUE = 256;
const MAX_LABELS = 32;
const NONE: Labels = Object.freeze(Object.create(null) as Labels);

/** Flags as graphile-worker stores them on a row: `{ "tenant=acme": true }`, or null. */
export type Flags = Readonly<Record<string, true>> | null;

/**
 * Says what is wrong with a set of labels.
 *
 * @returns a sentence, or undefined when nothing is
 */
export function checkLabels(labels: Labels): string | undefined {
  if (typeof labels !== "object" || labels === null || Array.isArray(labels))
    return `labels got ${printValue(labels)}; they are an object of strings`;
  const names = Object.keys(labels);
  if (names.length > MAX_LABELS)
    return `got ${names.length} labels; at most ${MAX_LABELS} are allowed`;
  for (const name of names) {
    if (!NAME.test(name)) {
      return `got the label name ${JSON.stringify(name.slice(0, 80))}; a name is 1 to 64 characters of a–z A–Z 0–9 _ . - and starts with a letter`;
    }
    const value: unknown = labels[name];
    if (typeof value !== "string") return `label ${name} got ${typeof value}; a value is a string`;
    if (value.length > MAX_VALUE) {
      return `label ${name} got ${value.length} characters; at most ${MAX_VALUE} are allowed`;
    }
    if (!value.isWellFormed()) return `label ${name} got half of a surrogate pair`;
    if (CONTROL.test(value)) return `label ${name} got a control character; none are allowed`;
  }
  return undefined;
}

/** Labels as graphile-worker flags; plain flags are kept beside them. Undefined when there are none. */
export function toFlags(
  labels: Labels,
  flags: readonly string[] | undefined,
): string[] | undefined {
  let all: string[] | undefined = flags !== undefined && flags.length > 0 ? [...flags] : undefined;
  for (const name in labels) {
    const flag = `${name}=${labels[name]}`;
    if (all === undefined) all = [flag];
    else all.push(flag);
  }
  return all;
}

/** The labels among a row's flags. Flags without `=`, or with a name that no label has, are not labels. */
export function fromFlags(flags: Flags | undefined): Labels {
  if (flags === null || flags === undefined) return NONE;
  const labels: Record<string, string> = Object.create(null);
  for (const flag of Object.keys(flags)) {
    const at = flag.indexOf("=");
    if (at > 0) {
      const name = flag.slice(0, at);
      if (NAME.test(name)) labels[name] = flag.slice(at + 1);
    }
  }
  return labels;
}
