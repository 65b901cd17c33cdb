import { MissingRightError } from "./errors.ts";
import { LEDGER, type Rights } from "./ledger.ts";

/** What is about to be done. */
type Intent = "read" | "apply";

/**
 * The first right that the role lacks.
 *
 * @param rights - what it has
 * @param schema - our schema, escaped
 * @param intent - reading needs less than applying
 * @returns undefined when nothing is missing that can be known beforehand
 */
export function missingRight(
  rights: Rights,
  schema: string,
  intent: Intent,
  cause?: unknown,
): MissingRightError | undefined {
  const { right, grant } = lacking(rights, schema, intent) ?? {};
  if (right === undefined || grant === undefined) return undefined;
  return new MissingRightError(quote(rights.role), right, `${grant} to ${quote(rights.role)};`, {
    cause,
  });
}

function lacking(
  rights: Rights,
  schema: string,
  intent: Intent,
): { right: string; grant: string } | undefined {
  const database = quote(rights.database);
  if (!rights.schemaExists) {
    if (intent === "read" || rights.mayCreateSchema) return undefined;
    return {
      right: `CREATE on database ${database}`,
      grant: `grant create on database ${database}`,
    };
  }
  const grantSchema = `grant usage, create on schema ${schema}`;
  if (!rights.mayUseSchema) return { right: `USAGE on schema ${schema}`, grant: grantSchema };
  if (intent === "apply" && !rights.mayCreateInSchema)
    return { right: `CREATE on schema ${schema}`, grant: grantSchema };
  if (!rights.ledgerExists) return undefined;
  const ledger = `${schema}.${LEDGER}`;
  const grantLedger = `grant select, insert on ${ledger}`;
  if (!rights.mayReadLedger) return { right: `SELECT on table ${ledger}`, grant: grantLedger };
  if (intent === "apply" && !rights.mayWriteLedger)
    return { right: `INSERT on table ${ledger}`, grant: grantLedger };
  return undefined;
}

/**
 * For a migration that was refused although nothing is missing that can be known beforehand: it changes
 * what another role owns.
 */
export function missingOwnership(
  rights: Rights,
  schema: string,
  problem: string,
  cause: unknown,
): MissingRightError {
  const owner = quote(rights.schemaOwner ?? rights.database);
  return new MissingRightError(
    quote(rights.role),
    `to change the objects in schema ${schema} (${problem})`,
    `grant ${owner} to ${quote(rights.role)};`,
    { cause },
  );
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
