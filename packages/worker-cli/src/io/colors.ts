import pc from "picocolors";

/** Colour functions; without colours each returns its text. */
export type Colors = ReturnType<typeof pc.createColors>;

/** What decides about colours. */
export interface ColorInput {
  /** `--color` and `--no-color`. */
  readonly wish: boolean | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Whether the stream is a terminal. */
  readonly isTty: boolean;
}

/** Whether to colour: the option, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal. */
function wantsColors({ wish, env, isTty }: ColorInput): boolean {
  if (wish !== undefined) return wish;
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== "0";
  return isTty && env.TERM !== "dumb";
}

function isSet(variable: string | undefined): boolean {
  return variable !== undefined && variable !== "";
}

/** Colour functions for a stream. */
export function createColors(input: ColorInput): Colors {
  return pc.createColors(wantsColors(input));
}

const GOOD = new Set(["ok", "added", "applied", "retried", "removed", "rescheduled", "running"]);
const BAD = new Set(["failed", "down", "rejected", "pending"]);
const WATCH = new Set(["held", "degraded", "scheduled", "dropped", "not found", "unchanged"]);
/** Columns whose words say how things are. */
const STATUS_COLUMNS = new Set(["state", "status", "health", "result"]);

/** Colours a cell of a column that says how something is; leaves others alone. */
export function paintStatus(colors: Colors, column: string, text: string, word: string): string {
  if (!STATUS_COLUMNS.has(column)) return text;
  if (GOOD.has(word)) return colors.green(text);
  if (BAD.has(word)) return colors.red(text);
  return WATCH.has(word) ? colors.yellow(text) : text;
}
