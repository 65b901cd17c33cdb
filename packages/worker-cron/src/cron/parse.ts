import { didYouMean } from "@oppulence/worker-core";
import { InvalidCronError } from "../errors.ts";
import type { CronFields } from "./cron-fields.ts";
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  FIELDS,
  type FieldSpec,
  HOUR,
  MACROS,
  MINUTE,
  MONTH,
  SECOND,
} from "./fields.ts";
import { FieldReader } from "./read-field.ts";

const MAX_LENGTH = 500;
const RIGHT =
  'it has 5 fields (minute hour day month weekday) or 6 (seconds first), such as "30 2 * * *"';

/**
 * Reads an expression of 5 fields, of 6 with seconds, or a macro.
 *
 * @param seed - what `H` chooses its values by: the schedule's key
 * @throws InvalidCronError naming field and position
 */
export function parseCron(expression: string, seed = ""): CronFields {
  const wrong = (position: number, problem: string) =>
    new InvalidCronError(String(expression), "expression", position, problem);
  if (typeof expression !== "string") throw wrong(1, `got ${typeof expression}; ${RIGHT}`);
  if (expression.length > MAX_LENGTH)
    throw wrong(MAX_LENGTH, `is longer than ${MAX_LENGTH} characters`);
  const words = [...expression.matchAll(/\S+/g)];
  const [first] = words;
  if (first?.[0].startsWith("@")) return parseCron(macro(expression, first[0], words.length), seed);
  if (words.length !== 5 && words.length !== 6)
    throw wrong((words[6]?.index ?? expression.length) + 1, `got ${words.length} fields; ${RIGHT}`);
  const readers = FIELDS.map((spec, index) => {
    const word = words[words.length === 5 ? index - 1 : index];
    return word === undefined
      ? new FieldReader(spec, "0", 0, "0", seed)
      : new FieldReader(spec, word[0], word.index, expression, seed);
  });
  return assemble(readers, words.length === 6);
}

function macro(expression: string, word: string, count: number): string {
  const known = MACROS[word.toLowerCase()];
  if (known !== undefined && count === 1) return known;
  const at = expression.indexOf(word) + 1;
  if (known !== undefined)
    throw new InvalidCronError(expression, "expression", at, `${word} stands alone`);
  const why =
    word.toLowerCase() === "@reboot"
      ? "@reboot is no time; do it when the worker starts"
      : `unknown macro ${word}${didYouMean(word.toLowerCase(), Object.keys(MACROS))}; known: ${Object.keys(MACROS).join(", ")}`;
  throw new InvalidCronError(expression, "expression", at, why);
}

function assemble(readers: readonly FieldReader[], hasSeconds: boolean): CronFields {
  const of = (spec: FieldSpec) => readers[FIELDS.indexOf(spec as never)] as FieldReader;
  const weekdays = of(DAY_OF_WEEK);
  const days = of(DAY_OF_MONTH);
  return {
    canonical: readers
      .slice(hasSeconds ? 0 : 1)
      .map((reader) => reader.canonical)
      .join(" "),
    seconds: of(SECOND).values,
    minutes: of(MINUTE).values,
    hours: of(HOUR).values,
    months: flags(13, of(MONTH).values),
    days: {
      isWild: days.isWild,
      set: flags(32, days.values),
      fromLast: days.fromLast,
      nearest: days.nearest,
    },
    weekdays: {
      isWild: weekdays.isWild,
      set: flags(
        7,
        weekdays.values.map((day) => day % 7),
      ),
      nth: weekdays.nth,
    },
    isInterval: of(HOUR).isInterval || of(MINUTE).isInterval,
  };
}

function flags(size: number, values: readonly number[]): boolean[] {
  const set = new Array<boolean>(size).fill(false);
  for (const value of values) set[value] = true;
  return set;
}
