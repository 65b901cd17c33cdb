import type { Asked, Bench, Measurement, Note } from "./bench.ts";
import { median, type Spread, spread } from "./statistics.ts";

/** One line of a bench's result. */
export interface Row {
  readonly case: string;
  readonly median: number;
  readonly unit: string;
  /** Over the rounds. */
  readonly spread: Spread;
  /** The median over that of `against`; null where there is nothing to compare with. */
  readonly ratio: number | null;
  /** The ratio within each round. */
  readonly ratioSpread: Spread | undefined;
  readonly against: string | null;
  readonly asked: Asked | undefined;
  /** Undefined where nothing is asked. */
  readonly ok: boolean | undefined;
}

/** The median of a note over the rounds. */
export interface CaseNote extends Note {
  readonly case: string;
}

/** One round: the measurement of each case. */
export type Round = ReadonlyMap<string, Measurement>;

/** Makes a bench's rows from its rounds, warm-up left out: in the order of the bench's cases, then comparisons. */
export function toRows(bench: Bench, rounds: readonly Round[]): Row[] {
  const values = valuesByRow(Object.keys(bench.cases), rounds);
  const against = (name: string) => {
    const own = bench.bases?.[name];
    const base = own === undefined ? bench.base : own;
    return base !== undefined && base !== null && values.has(base) ? base : undefined;
  };
  const plain = [...values.keys()].map((name) => toRow(bench, name, name, values, against(name)));
  const compared = (bench.comparisons ?? [])
    .filter(({ row, against }) => values.has(row) && values.has(against))
    .map(({ row, against }) => toRow(bench, `${row}/${against}`, row, values, against));
  return [...plain, ...compared];
}

function valuesByRow(cases: readonly string[], rounds: readonly Round[]): Map<string, number[]> {
  const values = new Map<string, number[]>();
  for (const one of cases) {
    for (const round of rounds) {
      for (const [name, value] of Object.entries(round.get(one)?.rows ?? {})) {
        values.set(name, [...(values.get(name) ?? []), value]);
      }
    }
  }
  return values;
}

function toRow(
  bench: Bench,
  name: string,
  row: string,
  values: ReadonlyMap<string, readonly number[]>,
  against: string | undefined,
): Row {
  const own = values.get(row) ?? [];
  const others = against === undefined ? undefined : values.get(against);
  const middle = median(own);
  const ratio = others === undefined ? null : middle / median(others);
  const asked = bench.asked[name];
  return {
    case: name,
    median: middle,
    unit: bench.units?.[name] ?? bench.unit,
    spread: spread(own),
    ratio,
    ratioSpread: others && spread(own.map((value, round) => value / (others[round] as number))),
    against: against ?? null,
    asked,
    ok: asked && holds(asked, asked.what === "ratio" ? ratio : middle),
  };
}

/** A ratio that could not be measured is neither held nor missed. */
function holds({ atLeast, atMost }: Asked, value: number | null): boolean | undefined {
  if (value === null) return undefined;
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

/** Medians of what the cases told beside their figures. */
export function toNotes(bench: Bench, rounds: readonly Round[]): CaseNote[] {
  const found = new Map<string, { note: CaseNote; values: number[] }>();
  for (const name of Object.keys(bench.cases)) {
    for (const round of rounds) {
      for (const note of round.get(name)?.notes ?? []) {
        const key = `${name} ${note.what}`;
        const entry = found.get(key) ?? { note: { ...note, case: name }, values: [] };
        entry.values.push(note.value);
        found.set(key, entry);
      }
    }
  }
  return [...found.values()].map(({ note, values }) => ({ ...note, value: median(values) }));
}
