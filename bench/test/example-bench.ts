import type { Bench, Measurement } from "../src/bench.ts";

const nothing = async (): Promise<Measurement> => ({ rows: {} });

/** A bench of three cases, for tests of what is around the measurements. */
export const exampleBench: Bench = {
  name: "example",
  about: "an example",
  unit: "jobs/s",
  base: "bare",
  comparisons: [{ row: "eight", against: "other" }],
  rounds: 7,
  size: { jobs: 100 },
  quick: { jobs: 10 },
  asked: {
    eight: { what: "ratio", atLeast: 0.9 },
    "eight/other": { what: "ratio", atLeast: 1.5 },
  },
  cases: { bare: nothing, eight: nothing, other: nothing },
};

/** One round in which each case came to one figure. */
export function round(figures: Readonly<Record<string, number>>): Map<string, Measurement> {
  return new Map(
    Object.entries(figures).map(([name, value]) => [name, { rows: { [name]: value } }]),
  );
}
