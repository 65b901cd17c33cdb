import { distance } from "fastest-levenshtein";

/** Beyond this nobody misspelt a name; the distance of two long strings takes their product in time. */
const MAX_LENGTH = 100;
/** Part of the longer name that may differ. */
const TOLERANCE = 0.4;
/** A start of a name is taken for the name from this many characters on. */
const MIN_PREFIX = 3;

/**
 * The known name that was probably meant, compared without regard to case.
 *
 * A name counts as near when at most two fifths of its characters differ, or when one is the start of
 * the other (`inter`, `interval`). Of several the nearest wins, then the first.
 *
 * @param got - what was written
 * @param known - the names that would have been right; one equal to `got` is passed over
 * @returns the name as it is known, or undefined when none is near
 */
export function suggest(got: string, known: Iterable<string>): string | undefined {
  if (got.length === 0 || got.length > MAX_LENGTH) return undefined;
  const lower = got.toLowerCase();
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    if (name === got || name.length > MAX_LENGTH) continue;
    const differing = differenceOf(lower, name.toLowerCase());
    if (differing < least) {
      least = differing;
      nearest = name;
    }
  }
  return nearest;
}

/** Number of characters that differ, or infinity when the names are too far apart to suggest. */
function differenceOf(got: string, name: string): number {
  const differing = distance(got, name);
  const isNear =
    differing <= Math.floor(Math.max(got.length, name.length) * TOLERANCE) ||
    (differing === 2 && isSwapped(got, name)) ||
    isStart(got, name) ||
    isStart(name, got);
  return isNear ? differing : Number.POSITIVE_INFINITY;
}

/** Two letters in each other's place count as two, which is too much for a short name (`nmae`). */
function isSwapped(got: string, name: string): boolean {
  return got.length > 2 && [...got].sort().join("") === [...name].sort().join("");
}

function isStart(start: string, name: string): boolean {
  return start.length >= MIN_PREFIX && name.startsWith(start);
}

/**
 * The end of an error message about an unknown name.
 *
 * @returns `, did you mean "interval"?`, or the empty string when no known name is near
 *
 * @example
 * throw new Error(`unknown option "${got}"${didYouMean(got, ["interval", "timeout"])}`);
 */
export function didYouMean(got: string, known: Iterable<string>): string {
  const name = suggest(got, known);
  return name === undefined ? "" : `, did you mean ${JSON.stringify(name)}?`;
}
