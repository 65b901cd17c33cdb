import { InvalidMetricError } from "./errors.ts";
import type { Instrument, InstrumentType } from "./instrument.ts";

/** prom-client's default bounds, in seconds. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A definition with nothing left out. */
export interface CheckedDefinition {
  readonly type: InstrumentType;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Empty for anything but a histogram. */
  readonly buckets: readonly number[];
}

/** What the core's meter is asked with. */
export interface GivenDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/**
 * Completes a definition.
 *
 * @throws InvalidMetricError when Prometheus would not take the metric
 */
export function checkDefinition(type: InstrumentType, given: GivenDefinition): CheckedDefinition {
  const { name, help, labels: labelNames = [] } = given;
  const buckets = type === "histogram" ? (given.buckets ?? DEFAULT_BUCKETS) : [];
  const problem = problemOf({ type, name, help, labelNames, buckets });
  if (problem !== undefined) throw new InvalidMetricError(String(name), problem);
  return { type, name, help, labelNames: [...labelNames], buckets: [...buckets] };
}

function problemOf({ type, name, help, labelNames, buckets }: CheckedDefinition) {
  if (typeof name !== "string" || !METRIC_NAME.test(name)) {
    return "a name is letters, digits, underscores and colons, and does not begin with a digit";
  }
  if (typeof help !== "string" || help.trim() === "") {
    return "help is missing; it is one sentence that says what is measured";
  }
  for (const label of labelNames) {
    if (!LABEL_NAME.test(label) || (type === "histogram" && label === "le")) {
      return `got the label ${JSON.stringify(label)}; a label is letters, digits and underscores, does not begin with a digit or "__", and for a histogram is not "le"`;
    }
  }
  if (new Set(labelNames).size < labelNames.length) {
    return `got the labels ${labelNames.join(", ")}; a label may occur once`;
  }
  return type === "histogram" ? bucketProblem(buckets) : undefined;
}

/** Says what is wrong with a histogram's bounds, if anything is. */
export function bucketProblem(buckets: readonly number[]): string | undefined {
  const ascends = buckets.every(
    (bound, index) =>
      Number.isFinite(bound) && (index === 0 || bound > (buckets[index - 1] as number)),
  );
  if (ascends && buckets.length > 0) return undefined;
  return `got the buckets [${buckets.join(", ")}]; they are finite numbers, ascending, at least one`;
}

/**
 * Checks that a metric which exists is the one that is asked for again.
 *
 * @throws InvalidMetricError naming the first thing that differs
 */
export function checkSame(
  existing: Instrument<unknown> & { readonly buckets?: readonly number[] },
  asked: CheckedDefinition,
): void {
  const differing = [
    ["type", existing.type, asked.type],
    ["labels", existing.labelNames.join(", "), asked.labelNames.join(", ")],
    ["help", existing.help, asked.help],
    ["buckets", (existing.buckets ?? []).join(", "), asked.buckets.join(", ")],
  ].find(([, had, got]) => had !== got);
  if (differing === undefined) return;
  const [what, had, got] = differing;
  throw new InvalidMetricError(
    asked.name,
    `exists already with the ${what} ${JSON.stringify(had)}, got ${JSON.stringify(got)}; a name has one definition, so give the new metric another name`,
  );
}
