import type { Recorded } from "./ledger.ts";
import type { ChangedMigration, Migration, MigrationRef, MigrationSet } from "./load.ts";

/** The shipped migrations against the recorded ones. */
export interface Comparison {
  /** Shipped and not recorded, in the order in which they are to run. */
  readonly pending: readonly Migration[];
  /** Shipped and recorded with another checksum. */
  readonly changed: readonly ChangedMigration[];
  /** Recorded and newer than what is shipped: another process runs a newer version of the package. */
  readonly ahead: readonly MigrationRef[];
  /** Number of shipped migrations that are recorded. */
  readonly applied: number;
}

/**
 * Compares what packages ship with what the database has.
 *
 * Rows of plugins that are not among the sets are left out: a plugin may be taken out of a worker while
 * others still use its tables.
 */
export function compareMigrations(
  sets: readonly MigrationSet[],
  recorded: readonly Recorded[],
): Comparison {
  const checksums = new Map(
    recorded.map(({ plugin, id, checksum }) => [keyOf(plugin, id), checksum]),
  );
  const shipped = sets.flatMap(({ migrations }) => migrations);
  const pending = shipped.filter(({ plugin, id }) => !checksums.has(keyOf(plugin, id)));
  const changed = shipped.flatMap(({ plugin, id, name, file, checksum }) => {
    const before = checksums.get(keyOf(plugin, id));
    if (before === undefined || before === checksum) return [];
    return [{ plugin, id, name, file, recorded: before, shipped: checksum }];
  });
  const newest = new Map(sets.map(({ plugin, migrations }) => [plugin, migrations.length]));
  const ahead = recorded
    .filter(({ plugin, id }) => id > (newest.get(plugin) ?? Number.POSITIVE_INFINITY))
    .map(({ plugin, id, name }) => ({ plugin, id, name }));
  return { pending, changed, ahead, applied: shipped.length - pending.length };
}

function keyOf(plugin: string, id: number): string {
  return `${id} ${plugin}`;
}
