import type { MigrationSource } from "./migrations/load.ts";

/** Name under which the core's own migrations are recorded. No plugin may have it. */
export const CORE_PLUGIN = "core";

/**
 * The core's own SQL files.
 *
 * The URL is made in this folder and nowhere deeper: the bundle in `dist` lies as deep as `src`.
 */
export const coreMigrations: MigrationSource = { directory: new URL("../sql/", import.meta.url) };
