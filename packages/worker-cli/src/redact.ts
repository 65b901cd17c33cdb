/** The password in a URL such as `postgres://user:password@host`; it may hold `@` and `/` itself. */
const URL_PASSWORD = /(\w+:\/\/[^\s:@/]*):\S*@/g;
/** The password in a query string or a key-value connection string. */
const NAMED_PASSWORD = /\b(password|passwd|pwd)=('[^']*'|[^\s&;]+)/gi;

/**
 * A text without the passwords of the URLs and connection strings in it. Everything that is printed and
 * was not written by this package goes through it.
 *
 * @param secrets - texts that must not appear at all, such as the connection string itself
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const open = secrets.reduce(
    (current, secret) =>
      secret === "" ? current : current.replaceAll(secret, hidePasswords(secret)),
    text,
  );
  return hidePasswords(open);
}

function hidePasswords(text: string): string {
  return text.replace(URL_PASSWORD, "$1:***@").replace(NAMED_PASSWORD, "$1=***");
}
