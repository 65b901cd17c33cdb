import { printValue } from "../print-value.ts";
import { InvalidOptionsError } from "../validate.ts";

/** Our schema, unless it is configured. */
export const DEFAULT_SCHEMA = "oppulence_worker";
/** graphile-worker's schema, unless it is configured. */
export const DEFAULT_ENGINE_SCHEMA = "graphile_worker";

/** PostgreSQL cuts longer names off without a word. */
const MAX_BYTES = 63;
/** Names with quotes, dollars or backslashes would have to be escaped differently in each kind of SQL text. */
const SHAPE = /^[\p{L}_][\p{L}\p{N}_ -]*$/u;

/**
 * A schema's name as SQL wants it: `"oppulence_worker"`.
 *
 * @param name - checked, as it gets into SQL text: letters, digits, `_`, `-` and spaces, at most 63 bytes
 * @param option - the option that holds it, for the message
 * @throws InvalidOptionsError for any other name
 */
export function escapeSchema(name: string, option = "schema"): string {
  const isRight =
    typeof name === "string" && SHAPE.test(name) && Buffer.byteLength(name) <= MAX_BYTES;
  if (isRight && !name.startsWith("pg_")) return `"${name}"`;
  throw new InvalidOptionsError("database", [
    {
      path: option,
      message: `got ${printValue(name)}; a schema's name starts with a letter or _, has only letters, digits, _, - and spaces, at most ${MAX_BYTES} bytes, and does not start with pg_`,
    },
  ]);
}

const PLACEHOLDER = /(?<!:):(ENGINE_SCHEMA|SCHEMA)\b/g;

/**
 * SQL text with `:SCHEMA` and `:ENGINE_SCHEMA` replaced.
 *
 * @param sql - text of a migration
 * @param schema - our schema, escaped
 * @param engineSchema - graphile-worker's schema, escaped
 */
export function fillSchemas(sql: string, schema: string, engineSchema: string): string {
  return sql.replace(PLACEHOLDER, (_, name: string) => (name === "SCHEMA" ? schema : engineSchema));
}
