import type { Query } from "../../contract/query.ts";
import { inspectedTables, type Schemas } from "./inspected-tables.ts";

/**
 * Makes graphile-worker believe that it has known a crontab entry for ten minutes: the next runner that
 * starts with it then fills in what it missed, at once, instead of waiting for the next whole minute.
 *
 * @param identifier - the entry's identifier
 */
export async function backdateCrontab(
  query: Query,
  identifier: string,
  schemas: Schemas = {},
): Promise<void> {
  const { crontabs } = inspectedTables(schemas);
  await query(
    `insert into ${crontabs} (identifier, known_since) values ($1, now() - interval '10 minutes')`,
    [identifier],
  );
}
