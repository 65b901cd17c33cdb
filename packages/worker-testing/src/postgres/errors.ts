/** What went wrong while providing a PostgreSQL for tests. */
export type TestPostgresErrorCode =
  /** The port asked for, or the port of the server being restarted, is taken. */
  | "PORT_IN_USE"
  /** The folder for the server's data could not be made or used. */
  | "DATA_DIRECTORY"
  /** The role in the URL lacks a right; the message names it. */
  | "MISSING_PRIVILEGE"
  /** npm left out the package with the binaries for this platform; the message names it. */
  | "PLATFORM_MISSING"
  /** No server answers at the URL, or it refuses the login. */
  | "UNREACHABLE"
  /** The URL is not one of a PostgreSQL server. */
  | "INVALID_URL"
  /** The embedded server ended or stayed silent while it was starting. */
  | "START_FAILED"
  /** A template's `prepare` threw; see `cause`. */
  | "TEMPLATE_FAILED"
  /** The operation needs a server that this process started. */
  | "NOT_EMBEDDED"
  /** The helper was called outside a vitest run with the global setup of this package. */
  | "NO_GLOBAL_SETUP";

/** Every failure of this package's PostgreSQL. Tell them apart by `code`. */
export class TestPostgresError extends Error {
  override readonly name = "TestPostgresError";
  /** Stable across releases, unlike the message. */
  readonly code: TestPostgresErrorCode;

  constructor(code: TestPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Tells whether `error` is a {@link TestPostgresError}, of the given code if one is given.
 *
 * Looks at the name instead of the class: two copies of this package may be installed.
 */
export const isTestPostgresError = (
  error: unknown,
  code?: TestPostgresErrorCode,
): error is TestPostgresError =>
  error instanceof Error &&
  error.name === "TestPostgresError" &&
  (code === undefined || (error as TestPostgresError).code === code);
