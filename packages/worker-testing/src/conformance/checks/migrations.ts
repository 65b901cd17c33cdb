import { createClient, messageOf } from "@oppulence/worker-core";
import type { Pool } from "pg";
import { captureLogger } from "../../harness/captured-logger.ts";
import type { TestDatabase } from "../../postgres/test-database.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import type { Subject } from "../subject.ts";

const AT_ONCE = 4;

const ships = ({ plugin }: Subject) => plugin?.migrations !== undefined;

/** Checks of the plugin's SQL files. */
export const migrationChecks: readonly Check[] = [
  {
    name: "migrations: apply to an empty database, and not again",
    applies: ships,
    run: (subject) =>
      withDatabase(subject, async (database) => {
        const first = await migrate(subject, database.pool(), "to an empty database");
        const own = first.applied.filter(({ plugin }) => plugin === subject.name);
        check(own.length > 0, () => "none of its migrations was applied to an empty database");
        const second = await migrate(subject, database.pool(), "again");
        check(
          second.applied.length === 0,
          () => `applied again: ${second.applied.map(({ name }) => name).join(", ")}`,
        );
      }),
  },
  {
    name: "migrations: may be applied by four processes at once",
    applies: ships,
    run: (subject) =>
      withDatabase(subject, async (database) => {
        const pools = Array.from({ length: AT_ONCE }, () => database.pool({ max: 2 }));
        const reports = await Promise.all(
          pools.map((pool) => migrate(subject, pool, "while others do the same")),
        );
        const own = reports.flatMap(({ applied }) =>
          applied.filter(({ plugin }) => plugin === subject.name).map(({ name }) => name),
        );
        const repeated = own.filter((name, index) => own.indexOf(name) !== index);
        check(repeated.length === 0, () => `applied more than once: ${repeated.join(", ")}`);
      }),
  },
  {
    name: "migrations: keep to their schema, in tables named after the plugin",
    applies: ships,
    run: (subject) =>
      withDatabase(subject, async (database) => {
        const pool = database.pool();
        const schemas = ["conformance_a", "conformance_b"];
        for (const schema of schemas)
          await migrate(subject, pool, `in the schema ${schema}`, schema);
        const known = [...schemas, "graphile_worker"];
        const strangers = await objects(pool, "not", known);
        check(
          strangers.length === 0,
          () =>
            `made outside of its schema: ${strangers.join(", ")}; write :SCHEMA before the names`,
        );
        const own = await objects(pool, "", schemas.slice(0, 1));
        const wrong = own.filter((name) => !isNamedAfter(subject, name));
        check(
          wrong.length === 0,
          () =>
            `${wrong.join(", ")} should begin with the plugin's name, as ${subject.name}_…, or be told by the fixture objects`,
        );
        const missing = named(subject).filter((name) => !own.includes(`${schemas[0]}.${name}`));
        check(
          missing.length === 0,
          () => `the fixture objects names ${missing.join(", ")}, which no migration makes`,
        );
      }),
  },
];

async function withDatabase(
  { emptyDatabase }: Subject,
  body: (database: TestDatabase) => Promise<void>,
): Promise<void> {
  const database = await emptyDatabase();
  try {
    await body(database);
  } finally {
    await database.drop();
  }
}

/** As a process of its own would: with a plugin that is made anew. */
async function migrate({ make, fixtures }: Subject, pool: Pool, when: string, schema?: string) {
  try {
    const client = createClient({
      pool,
      plugins: [...(fixtures.with?.() ?? []), make()],
      logger: captureLogger().logger,
      config: false,
      ...(schema !== undefined && { schema }),
    });
    return await client.migrate("auto");
  } catch (error) {
    return check(false, () => `cannot be applied ${when}: ${messageOf(error)}`) as never;
  }
}

/** Tables, views and functions, without those of extensions. */
async function objects(pool: Pool, not: "not" | "", schemas: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select namespaces.nspname || '.' || found.name as name
from (
  select oid, relnamespace as namespace, relname as name from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
  union all
  select oid, pronamespace, proname from pg_proc
) as found
join pg_namespace as namespaces on namespaces.oid = found.namespace
where ${not} (namespaces.nspname = any($1::text[]))
  and namespaces.nspname !~ '^pg_' and namespaces.nspname <> 'information_schema'
  and not exists (select from pg_depend where pg_depend.objid = found.oid and pg_depend.deptype = 'e')
order by 1`,
    [schemas],
  );
  return rows.map(({ name }) => name);
}

/** `rateLimit` and `rate-limit` have tables `ratelimit_…` or `rate_limit_…`; the core has its own. */
function isNamedAfter(subject: Subject, object: string): boolean {
  const { name, fixtures } = subject;
  const plain = (text: string) => text.replace(/[^a-z0-9]/gi, "").toLowerCase();
  const owners = ["core", name, ...(fixtures.with?.() ?? []).map((plugin) => plugin.name)];
  const local = (object.split(".")[1] ?? "").replace(/^graphile_worker_/, "");
  if (named(subject).some((own) => local === own || local.startsWith(`${own}_`))) return true;
  return owners.some((owner) => plain(local).startsWith(plain(owner)));
}

/** Objects that are the plugin's whatever they are called. */
function named({ fixtures }: Subject): readonly string[] {
  return fixtures.objects ?? [];
}
