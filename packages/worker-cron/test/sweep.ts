import { CronExpression } from "../src/cron/expression.ts";
import { bruteForce, CASES, offsetsOf } from "./oracle.ts";

const DAY_MS = 86_400_000;

/** What {@link sweep} found. */
export interface SweepReport {
  readonly zones: number;
  /** Zones whose clocks show the same all the time are looked at once. */
  readonly histories: number;
  readonly slots: number;
  /** One line each, the first hundred. */
  readonly differences: readonly string[];
}

/** Compares every slot of every case in the given zones and years with the brute-force oracle. */
export function sweep(
  zones: readonly string[],
  fromYear: number,
  toYear: number,
  onZone: (zone: string) => void = () => {},
): SweepReport {
  const from = Date.UTC(fromYear, 0, 1);
  const to = Date.UTC(toYear + 1, 0, 1);
  const histories = new Set<string>();
  const differences: string[] = [];
  let slots = 0;
  for (const zone of zones) {
    const offsets = offsetsOf(zone, from - DAY_MS, to);
    const history = Buffer.from(offsets.buffer).toString("base64");
    if (histories.has(history)) continue;
    histories.add(history);
    onZone(zone);
    const expected = bruteForce(offsets, from - DAY_MS, CASES);
    CASES.forEach(({ cron }, index) => {
      const wanted = (expected[index] ?? []).filter((slot) => slot >= from);
      slots += wanted.length;
      const forward = walk(cron, zone, from, to);
      const backward = walkBack(cron, zone, from, to);
      differences.push(
        ...compare(`${zone} ${cron} next`, wanted, forward),
        ...compare(`${zone} ${cron} previous`, wanted, backward),
      );
    });
  }
  return {
    zones: zones.length,
    histories: histories.size,
    slots,
    differences: differences.slice(0, 100),
  };
}

function walk(cron: string, zone: string, from: number, to: number): number[] {
  const expression = new CronExpression(cron, zone);
  const slots: number[] = [];
  for (let at = expression.next(from - 1); at !== undefined && at < to; at = expression.next(at))
    slots.push(at);
  return slots;
}

function walkBack(cron: string, zone: string, from: number, to: number): number[] {
  const expression = new CronExpression(cron, zone);
  const slots: number[] = [];
  for (
    let at = expression.previous(to);
    at !== undefined && at >= from;
    at = expression.previous(at)
  )
    slots.push(at);
  return slots.reverse();
}

function compare(what: string, wanted: readonly number[], got: readonly number[]): string[] {
  const index = wanted.findIndex((slot, position) => slot !== got[position]);
  const at = index < 0 && got.length > wanted.length ? wanted.length : index;
  if (at < 0) return [];
  const print = (slot: number | undefined) =>
    slot === undefined ? "none" : new Date(slot).toISOString();
  return [`${what}: expected ${print(wanted[at])}, got ${print(got[at])}`];
}

// node --conditions=@oppulence/source test/sweep.ts: every zone, 2024 to 2035.
if (process.argv[1] === import.meta.filename) {
  const [fromYear = 2024, toYear = 2035] = process.argv.slice(2).map(Number);
  const report = sweep(Intl.supportedValuesOf("timeZone"), fromYear, toYear);
  console.log(JSON.stringify(report, undefined, 2));
  process.exitCode = report.differences.length === 0 ? 0 : 1;
}
