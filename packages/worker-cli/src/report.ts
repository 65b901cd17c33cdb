import { constants } from "node:os";
import { isInterruptedError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { messageOf } from "./message-of.ts";

/** What is told of an error. */
export interface ErrorReport {
  /** For programs: upper snake case. */
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** Codes of errors that say that the input is wrong, not that something failed. */
const BAD_INPUT: ReadonlySet<string> = new Set([
  "INVALID_USAGE",
  "CONFIG_NOT_FOUND",
  "CONFIG_FAILED",
  "INVALID_CONFIG",
  "INVALID_COMMAND",
  "INVALID_CONFIGURATION",
  "INVALID_OPTIONS",
  "INVALID_OVERLAY",
  "INVALID_DURATION",
  "INVALID_PAYLOAD",
  "INVALID_JOB",
  "UNKNOWN_TASK",
]);
const OURS = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** No such table, no such schema, no such column or function: of a version that is not there yet. */
const NOT_MIGRATED: ReadonlySet<string> = new Set(["42P01", "3F000", "42703", "42883"]);
const CONNECTION =
  /^(?:ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|08\w{3}|57P0[1-5])$/;
const LOST = /connection (?:terminated|ended|timeout)|not queryable/i;

/** Turns anything that was thrown into what is told of it, and the exit code. */
export function toReport(error: unknown): ErrorReport {
  const { code } = (error ?? {}) as { code?: unknown };
  const message = messageOf(error);
  if (isInterruptedError(error)) {
    const number = constants.signals[error.signal] ?? 0;
    return { code: error.code, message, exitCode: 128 + number };
  }
  if (typeof code !== "string") {
    return LOST.test(message) ? lost(message) : { code: "FAILED", message, exitCode: EXIT.failed };
  }
  if (CONNECTION.test(code)) return lost(message);
  if (SQLSTATE.test(code) && "severity" in (error as object)) return fromServer(code, message);
  if (!OURS.test(code)) return { code: "FAILED", message, exitCode: EXIT.failed };
  return { code, message, exitCode: BAD_INPUT.has(code) ? EXIT.usage : EXIT.failed };
}

function lost(message: string): ErrorReport {
  return {
    code: "DATABASE_UNREACHABLE",
    message: `lost PostgreSQL: ${message}`,
    exitCode: EXIT.failed,
  };
}

function fromServer(sqlState: string, message: string): ErrorReport {
  const what = `${message} (SQLSTATE ${sqlState})`;
  if (!NOT_MIGRATED.has(sqlState)) {
    return { code: "DATABASE_ERROR", message: what, exitCode: EXIT.failed };
  }
  return {
    code: "NOT_MIGRATED",
    message: `${what}: the database is not migrated, run \`oppulence-worker migrate\``,
    exitCode: EXIT.failed,
  };
}
