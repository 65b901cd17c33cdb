/** What `pg` clients and pools know of their server; a pool keeps it under `options`. */
interface Target {
  readonly connectionString?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
  readonly database?: unknown;
}

const UNREADABLE: Target = { host: "(unreadable connection string)", port: "?", database: "?" };

/**
 * `host:port/database` of a `pg` client or pool, for messages. Never holds the user or the password.
 *
 * @returns the address, its parts completed as `pg` does from `PGHOST`, `PGPORT`, `PGDATABASE` and the defaults
 */
export function addressOf(connection: unknown): string {
  const target = targetOf(connection);
  const host = text(target.host) ?? process.env.PGHOST ?? "localhost";
  const port = text(target.port) ?? process.env.PGPORT ?? "5432";
  const database = text(target.database) ?? process.env.PGDATABASE ?? "(default database)";
  return `${host}:${port}/${database}`;
}

function targetOf(connection: unknown): Target {
  const pool = connection as { readonly options?: Target } | null;
  const target = (pool?.options ?? connection ?? {}) as Target;
  const { connectionString } = target;
  return typeof connectionString === "string" ? parseConnectionString(connectionString) : target;
}

/** Only what is surely an address is repeated: anything else may hold the password in any place. */
function parseConnectionString(connectionString: string): Target {
  const [, socket, name] = /^(\/[^\s:@]*)(?:\s+([^\s:@]+))?$/.exec(connectionString) ?? [];
  if (socket !== undefined) return { host: socket, database: name };
  if (!/^postgres(?:ql)?:\/\//.test(connectionString) || !URL.canParse(connectionString)) {
    return UNREADABLE;
  }
  const url = new URL(connectionString);
  return {
    host: url.hostname || url.searchParams.get("host"),
    port: url.port || url.searchParams.get("port"),
    database: decode(url.pathname.slice(1)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function text(value: unknown): string | undefined {
  return (typeof value === "string" && value !== "") || typeof value === "number"
    ? String(value)
    : undefined;
}
