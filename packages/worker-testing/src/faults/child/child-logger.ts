import { Logger } from "graphile-worker";

/** Writes warnings and errors to standard error, where the parent reads them; the rest is left out. */
export function childLogger(): Logger {
  return new Logger(() => (level, message) => {
    if (level === "error" || level === "warning") process.stderr.write(`${level}: ${message}\n`);
  });
}
