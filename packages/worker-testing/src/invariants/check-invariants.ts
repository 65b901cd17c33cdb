import type { Query, Row } from "@oppulence/worker-core";
import {
  type ExpectedState,
  INVARIANT_STATEMENTS,
  inspectedTables,
  type Schemas,
} from "@oppulence/worker-core/engine-testing";
import { InvariantError } from "./errors.ts";

/** What is known about the database from outside, and where its tables are. */
export interface InvariantOptions extends Partial<ExpectedState>, Schemas {
  /** Names of the invariants to check. @defaultValue all */
  readonly only?: readonly string[];
}

/** An invariant that does not hold. */
export interface Violation {
  readonly name: string;
  /** What should be true. */
  readonly about: string;
  /** What is not as it should be, one row each. */
  readonly rows: readonly Row[];
}

/** Names of the invariants, for {@link InvariantOptions.only}. */
export const INVARIANTS: readonly string[] = INVARIANT_STATEMENTS.map(({ name }) => name);

/**
 * Looks for rows that no sequence of claims, crashes and recoveries may leave behind.
 *
 * Each invariant is one statement, so it sees one instant, also while workers run. Without `livePools`
 * every lock counts as one of an unknown pool: call it so when nothing runs.
 *
 * @param query - runs a statement on the database
 * @returns the invariants that do not hold; none when all is well
 */
export async function checkInvariants(
  query: Query,
  { jobs = [], done = [], livePools = [], only = INVARIANTS, ...schemas }: InvariantOptions = {},
): Promise<Violation[]> {
  const tables = inspectedTables(schemas);
  const violations: Violation[] = [];
  for (const { name, about, text, values } of INVARIANT_STATEMENTS) {
    if (!only.includes(name)) continue;
    const rows = await query(text(tables), values({ jobs, done, livePools }));
    if (rows.length > 0) violations.push({ name, about, rows });
  }
  return violations;
}

/**
 * The same, as an assertion.
 *
 * @throws {@link InvariantError} naming each invariant that does not hold, with the rows
 *
 * @example
 * ```ts
 * await assertInvariants(harness.sql, { jobs: added, done: succeeded });
 * ```
 */
export async function assertInvariants(
  query: Query,
  options: InvariantOptions = {},
): Promise<void> {
  const violations = await checkInvariants(query, options);
  if (violations.length > 0) throw new InvariantError(violations);
}
