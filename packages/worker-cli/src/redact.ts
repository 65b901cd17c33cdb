/** The password in a URL such as `postgres://user:password@host`; it may hold `@` and `/` itself. */
const URL_PASSWORD = /(\w+:\/\/[^\s:@/]*):\S*@/g;
/** The password in a query string or a key-value connection string. */
const NAMED_PASSWORD = /\b(password|passwd|pwd)=('[^']*'|[^\s&;]+)/gi;
/** Shorter passwords are too often a part of other words, `postgres` among them, to be replaced everywhere. */
const LEAST_LENGTH = 10;

/**
 * A text without the passwords of the URLs and connection strings in it. Everything that is printed and
 * is not a command's own result goes through it.
 *
 * @param secrets - texts that must not appear at all, from {@link passwordsIn}
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const open = secrets.reduce((current, secret) => current.replaceAll(secret, "***"), text);
  return open.replace(URL_PASSWORD, "$1:***@").replace(NAMED_PASSWORD, "$1=***");
}

/** The passwords of a connection string, as they are written there and decoded. */
export function passwordsIn(connection: string): string[] {
  const [, url] = /^\w+:\/\/[^\s:@/]*:(.*)@/.exec(connection) ?? [];
  const [, , named] = new RegExp(NAMED_PASSWORD.source, "i").exec(connection) ?? [];
  const found = [url, named].filter((password) => password !== undefined);
  return [...found, ...found.map(decode)].filter((password) => password.length >= LEAST_LENGTH);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
