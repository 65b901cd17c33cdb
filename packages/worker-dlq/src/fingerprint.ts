import { hash } from "node:crypto";

/** What a {@link fingerprintOf} is made of. */
export interface FingerprintInput {
  readonly task: string;
  readonly name: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Characters of a message that tell its cause; what comes after is mostly data. */
const MAX_MESSAGE = 500;

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const QUOTED = /"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’/g;
/** `0x…`, or eight hexadecimal digits and more, both a letter and a decimal one among them: else it is a word, or a number. */
const HEX = /\b(?:0x[0-9a-f]+|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,})\b/gi;
const NUMBER = /[-+]?\d+(?:[.,:_-]\d+)*/g;

/**
 * A message without what differs between errors of one cause: UUIDs, quoted values, hexadecimal ids and
 * numbers become placeholders, white space is one space.
 *
 * @example
 * normaliseMessage('user 42 has no "card"'); // "user <n> has no <quoted>"
 */
export function normaliseMessage(message: string): string {
  return message
    .slice(0, MAX_MESSAGE)
    .replace(UUID, "<uuid>")
    .replace(QUOTED, "<quoted>")
    .replace(HEX, "<hex>")
    .replace(NUMBER, "<n>")
    .replace(/\s+/g, " ")
    .trim();
}

const FRAME = /^\s*at (?:async )?(?:(.+?) \()?(.+?)\)?$/;
const FOREIGN = /node:|[\\/]node_modules[\\/]|<anonymous>|^native$/;

/**
 * The function of a stack's first own frame: not Node's, not of a package. Without a line number, which
 * changes with every deployment.
 *
 * @returns the name, `Class.method` where V8 says so; the file's name for a function without one; empty when there is none
 */
export function ownFunction(stack: string | undefined): string {
  for (const line of stack?.split("\n") ?? []) {
    const [, name, place] = FRAME.exec(line) ?? [];
    if (place === undefined || !/:\d+:\d+$/.test(place) || FOREIGN.test(place)) continue;
    if (name !== undefined) return name.replace(/ \[as .*\]$/, "");
    return place
      .replace(/:\d+:\d+$/, "")
      .replace(/^.*[\\/]/, "")
      .replace(/\?.*$/, "");
  }
  return "";
}

/**
 * The same for errors of one cause, and another for those of another: a hash of the task, the error's name,
 * its {@link normaliseMessage | normalised message} and its {@link ownFunction | own function}.
 *
 * @returns 16 hexadecimal digits
 */
export function fingerprintOf({ task, name, message, stack }: FingerprintInput): string {
  const parts = [task, name ?? "", normaliseMessage(message), ownFunction(stack)];
  return hash("sha256", parts.join("\0"), "hex").slice(0, 16);
}
