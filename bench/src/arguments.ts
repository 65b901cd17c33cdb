import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";

/** What the command line asks for. */
export interface Arguments {
  /** Undefined when no bench was named: then the benches are listed. */
  readonly bench: Bench | undefined;
  /** Cases to run, in the bench's order. */
  readonly cases: readonly string[];
  /** Rounds that count; one more comes before them. */
  readonly rounds: number;
  readonly quick: boolean;
  readonly json: boolean;
  /** Whether a figure that misses what is asked makes the exit code 1. */
  readonly assert: boolean;
  /** A folder to write CPU profiles to. */
  readonly profile: string | undefined;
}

/** How the runner is called. */
export const USAGE =
  "npm run bench -- <name> [--quick] [--rounds N] [--case a,b] [--json] [--assert] [--profile folder]";

/** Rounds of `--quick`, unless `--rounds` says otherwise. */
const QUICK_ROUNDS = 3;

/** The command line asks for something that there is not. */
export class UsageError extends Error {
  readonly code = "BENCH_USAGE";
  override readonly name = "UsageError";
}

/** Whether an error is a {@link UsageError}. */
export function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && "code" in error && error.code === "BENCH_USAGE";
}

/**
 * Reads the command line.
 *
 * @param args - without the program and the script
 * @throws UsageError for an unknown option, bench or case, and for rounds that are no whole number
 */
export function readArguments(args: readonly string[], benches: readonly Bench[]): Arguments {
  const { values, positionals } = parse(args);
  const [name, ...further] = positionals;
  if (further.length > 0)
    throw new UsageError(`one bench at a time, got ${positionals.join(", ")}`);
  const bench = name === undefined ? undefined : known(benches, name);
  const all = Object.keys(bench?.cases ?? {});
  const wanted = values.case?.split(",") ?? all;
  for (const one of wanted) {
    if (!all.includes(one)) {
      throw new UsageError(`${name} has no case ${JSON.stringify(one)}; it has ${all.join(", ")}`);
    }
  }
  const { quick, json, assert } = values;
  const rounds = quick ? QUICK_ROUNDS : (bench?.rounds ?? 1);
  return {
    bench,
    cases: all.filter((one) => wanted.includes(one)),
    rounds: values.rounds === undefined ? rounds : wholeNumber(values.rounds),
    quick,
    json,
    assert,
    profile: values.profile,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        assert: { type: "boolean", default: false },
        rounds: { type: "string" },
        case: { type: "string" },
        profile: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function known(benches: readonly Bench[], name: string): Bench {
  const bench = benches.find((one) => one.name === name);
  if (bench !== undefined) return bench;
  const names = benches.map((one) => one.name).join(", ");
  throw new UsageError(`there is no bench ${JSON.stringify(name)}; there are ${names}`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new UsageError(`--rounds got ${JSON.stringify(text)}; it is a whole number from 1 on`);
}
