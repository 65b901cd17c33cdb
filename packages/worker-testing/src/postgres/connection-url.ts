import { TestPostgresError } from "./errors.ts";

const EXAMPLE = "postgres://user:password@127.0.0.1:5432/database";

/**
 * Checks the URL of a PostgreSQL server.
 * @throws {@link TestPostgresError} `INVALID_URL`; the message does not repeat the URL, which may hold a password
 */
export const checkUrl = (url: string): void => {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "postgres:" || protocol === "postgresql:") return;
  const got = protocol === undefined ? "no URL" : `a ${protocol} URL`;
  throw new TestPostgresError(
    "INVALID_URL",
    `the URL of the PostgreSQL server (DATABASE_URL) should look like ${EXAMPLE}, got ${got}`,
  );
};

/** The same server, another database. */
export const withDatabase = (url: string, database: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
};

/** Host and port, for messages: without the password. */
export const hostOf = (url: string): string => new URL(url).host || "the local socket";
