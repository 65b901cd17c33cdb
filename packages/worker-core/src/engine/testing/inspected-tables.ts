import pg from "pg";

/** Names of the tables that the SQL in this folder reads, escaped. */
export interface InspectedTables {
  readonly jobs: string;
  readonly queues: string;
  readonly crontabs: string;
  readonly notes: string;
  /** The sequence of job ids, as a string for `::regclass`. */
  readonly jobIds: string;
}

/** The schemas in which a worker keeps its tables, not escaped. */
export interface Schemas {
  /** graphile-worker's. @defaultValue `"graphile_worker"` */
  readonly engineSchema?: string | undefined;
  /** The platform's. @defaultValue `"oppulence_worker"` */
  readonly schema?: string | undefined;
}

/**
 * Names the tables.
 *
 * Apart from the adapter's own names: an invariant must look at the rows themselves, not through what it
 * checks.
 */
export function inspectedTables(schemas: Schemas = {}): InspectedTables {
  const engine = pg.escapeIdentifier(schemas.engineSchema ?? "graphile_worker");
  const own = pg.escapeIdentifier(schemas.schema ?? "oppulence_worker");
  return {
    jobs: `${engine}._private_jobs`,
    queues: `${engine}._private_job_queues`,
    crontabs: `${engine}._private_known_crontabs`,
    notes: `${own}.core_notes`,
    jobIds: `${engine}._private_jobs`,
  };
}
