import { Logger } from "graphile-worker";
import type { CliIo } from "./io/command-io.ts";

/**
 * A logger for what runs inside a command: warnings and errors go to standard error, the rest only with
 * `--verbose`. Standard output is the command's.
 */
export function quietLogger(io: Pick<CliIo, "warn" | "trace">): Logger {
  return new Logger((scope) => (level, message) => {
    const text = scope.label === undefined ? message : `${scope.label}: ${message}`;
    if (level === "error" || level === "warning") io.warn(text);
    else io.trace(text);
  });
}

/** A worker's log on standard error, for `run --json`, where standard output is for programs. */
export function logTo(print: (line: string) => void, verbose: boolean): Logger {
  return new Logger(({ label = "core", taskIdentifier, jobId }) => (level, message) => {
    if (level === "debug" && !verbose) return;
    const job = jobId === undefined ? "" : `(${taskIdentifier}: ${jobId}) `;
    print(`[${label}] ${job}${level.toUpperCase()}: ${message}`);
  });
}
