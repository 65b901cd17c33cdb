import { Logger } from "graphile-worker";

/** Prints warnings and errors on standard error, but not a line for each job that fails: the summary has those. */
export const quietLogger = new Logger(() => (level, message, meta) => {
  if (level !== "error" && level !== "warning") return;
  if ((meta as { failure?: boolean } | undefined)?.failure === true) return;
  process.stderr.write(`${level}: ${message}\n`);
});
