import { hasCode } from "../error-chain.ts";
import { messageOf } from "../errors.ts";
import { hidePasswords, printValue } from "../print-value.ts";
import { addressOf } from "./address.ts";
import { DatabaseUnreachableError, MissingRightError } from "./errors.ts";

/** SQLSTATE or Node.js code of what a driver threw. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** No such table, or no such schema. */
export function isUndefinedTable(error: unknown): boolean {
  return hasCode(error, "42P01") || hasCode(error, "3F000");
}

/** The role lacks a right. */
export function isInsufficientPrivilege(error: unknown): boolean {
  return hasCode(error, "42501");
}

/** The network's own codes, and the classes and states in which PostgreSQL cannot be talked to. */
const NETWORK =
  /^(?:ECONN(?:REFUSED|RESET|ABORTED)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT|EACCES|ERR_INVALID_URL|08...|57P0[1-5])$/;
/** `pg` gives these no code. */
const LOST =
  /connection (?:terminated|ended|timeout)|timeout exceeded when trying to connect|not queryable|after calling end/i;

const HINTS: Readonly<Record<string, string>> = {
  "28P01": "check the user and the password",
  "28000": "check the user, and the server's pg_hba.conf",
  "3D000": "check the database's name, or create it",
  "53300": "the server has no connection left: lower the size of pools, or raise max_connections",
};

/**
 * Makes an error about the connection out of what the driver threw, if it is one; otherwise returns it
 * as it is.
 *
 * @param error - what was thrown
 * @param connection - the pool or client, for the address
 * @param when - while connecting every error is one; while querying only those of the network and the login
 */
export function toDatabaseError(
  error: unknown,
  connection: unknown,
  when: "connecting" | "querying",
): unknown {
  const code = codeOf(error);
  const message = hidePasswords(messageOfAny(error));
  if (when === "connecting" && isInsufficientPrivilege(error))
    return missingConnect(error, connection, message);
  if (when === "querying" && !isConnectionError(error)) return error;
  const hint = code !== undefined && Object.hasOwn(HINTS, code) ? `; ${HINTS[code]}` : "";
  return new DatabaseUnreachableError(addressOf(connection), `${message}${hint}`, {
    cause: safeCause(error),
  });
}

/** Whether an error is about the connection or the login, not about the statement. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return LOST.test(messageOf(error));
  return NETWORK.test(code) || Object.hasOwn(HINTS, code);
}

/** A connection attempt to several addresses of one host fails with an AggregateError that has no message. */
function messageOfAny(error: unknown): string {
  const errors: unknown = (error as { errors?: unknown } | null | undefined)?.errors;
  if (!Array.isArray(errors) || errors.length === 0) return messageOf(error);
  return [...new Set(errors.map(messageOf))].join(", ");
}

function missingConnect(error: unknown, connection: unknown, message: string): MissingRightError {
  const database = addressOf(connection).replace(/^.*\//, "");
  return new MissingRightError(
    `of this connection (${message})`,
    `CONNECT on database ${printValue(database)}`,
    `grant connect on database ${printValue(database)} to <the role>;`,
    { cause: error },
  );
}

/** The error about a malformed URL carries the URL, and with it the password. */
function safeCause(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !("input" in error)) return error;
  return new Error(hidePasswords(messageOf(error)));
}
