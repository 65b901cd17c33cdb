import type { Query } from "../contract/query.ts";
import type { Migration } from "./load.ts";

/** The table that records which migrations ran; the runner makes it itself. */
export const LEDGER = "core_migrations";

/** A row of the ledger. */
export interface Recorded {
  readonly plugin: string;
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
}

/** What the current role finds and may do. */
export interface Rights {
  readonly role: string;
  readonly database: string;
  readonly mayCreateSchema: boolean;
  readonly schemaExists: boolean;
  readonly schemaOwner: string | null;
  readonly mayUseSchema: boolean;
  readonly mayCreateInSchema: boolean;
  readonly ledgerExists: boolean;
  readonly mayReadLedger: boolean;
  readonly mayWriteLedger: boolean;
}

/** All recorded migrations. Fails with 42P01 when there is no ledger yet. */
export function readLedger(query: Query, schema: string): Promise<Recorded[]> {
  return query(
    `select plugin, id, name, checksum from ${schema}.${LEDGER} order by plugin, id`,
  ) as Promise<never>;
}

/**
 * Begins the one transaction in which everything happens, and waits for its turn.
 *
 * The lock is held by the transaction, not by the session: behind a pooler in transaction mode, a
 * session's lock would stay with a server connection that the next query does not get. It ends with the
 * transaction, however that ends, and with the process when it is killed.
 *
 * READ COMMITTED is named, as with a stricter default the snapshot would be taken before the lock is
 * granted, and what the previous holder committed would be invisible. Timeouts that suit queries do not
 * suit waiting for another process's migrations.
 *
 * @param name - the schema's name, not escaped; checked by `escapeSchema`, so free of quotes
 */
export function beginExclusive(query: Query, name: string): Promise<unknown> {
  return query(`\
begin isolation level read committed read write;
set local statement_timeout = 0;
set local lock_timeout = 0;
select pg_advisory_xact_lock(hashtextextended('oppulence-worker migrations ${name}', 0));`);
}

/**
 * Reads the catalogs, which every role may. Asked before `create … if not exists`: that checks the right
 * to create before it looks whether there is anything to create.
 */
export async function readRights(query: Query, name: string): Promise<Rights> {
  const [rights] = await query(
    `\
select
  current_user as "role",
  current_database() as "database",
  has_database_privilege(current_database(), 'create') as "mayCreateSchema",
  n.oid is not null as "schemaExists",
  pg_get_userbyid(n.nspowner) as "schemaOwner",
  coalesce(has_schema_privilege(n.oid, 'usage'), false) as "mayUseSchema",
  coalesce(has_schema_privilege(n.oid, 'create'), false) as "mayCreateInSchema",
  c.oid is not null as "ledgerExists",
  coalesce(has_table_privilege(c.oid, 'select'), false) as "mayReadLedger",
  coalesce(has_table_privilege(c.oid, 'insert'), false) as "mayWriteLedger"
from (values (1)) as always
left join pg_catalog.pg_namespace n on n.nspname = $1
left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $2`,
    [name, LEDGER],
  );
  return rights as unknown as Rights;
}

/** Makes the schema. Call it only where {@link readRights} found none. */
export function createSchema(query: Query, schema: string): Promise<unknown> {
  return query(`create schema if not exists ${schema}`);
}

/** Makes the ledger. Call it only where {@link readRights} found none. */
export function createLedger(query: Query, schema: string): Promise<unknown> {
  return query(`\
create table if not exists ${schema}.${LEDGER} (
  plugin text not null,
  id int not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now(),
  primary key (plugin, id)
)`);
}

/** Records that a migration ran, in the transaction in which it ran. */
export function record(
  query: Query,
  schema: string,
  { plugin, id, name, checksum }: Migration,
): Promise<unknown> {
  return query(
    `insert into ${schema}.${LEDGER} (plugin, id, name, checksum) values ($1, $2, $3, $4)`,
    [plugin, id, name, checksum],
  );
}
