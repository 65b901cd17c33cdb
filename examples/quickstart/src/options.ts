import { parseArgs } from "node:util";

/** How the demo is run. */
export interface DemoOptions {
  /** Only the first so many airports; all when undefined. */
  readonly limit: number | undefined;
  /** Prints the summary as JSON. */
  readonly json: boolean;
  /** Goes on working, and serving `/metrics`, until Ctrl-C. */
  readonly keep: boolean;
  /** Prints what graphile-worker logs, a line a job. */
  readonly verbose: boolean;
}

export const USAGE = `\
Usage: npm run demo -- [options]

  --limit N   import only the first N airports
  --json      print the summary as JSON
  --keep      keep the database, the worker and /metrics up until Ctrl-C
  --verbose   print what graphile-worker logs, a line a job
  --help      print this`;

/**
 * Reads the command line.
 *
 * @returns undefined when only the usage is wanted
 * @throws TypeError for an unknown option, RangeError for a limit that is no number of airports
 */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      limit: { type: "string" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { limit, help, ...flags } = values;
  if (help) return undefined;
  return { ...flags, limit: limit === undefined ? undefined : toLimit(limit) };
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new RangeError(`--limit got ${JSON.stringify(text)}; it is a whole number from 1 on`);
}
