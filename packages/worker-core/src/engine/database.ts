import pg from "pg";
import type { Row } from "../contract/query.ts";
import { messageOf } from "../errors.ts";
import { codeOf, isUndefinedTable } from "../migrations/database-error.ts";

/** Where the engine's statements go, and the names they use. */
export interface EngineDatabase {
  /** Runs a statement; `name` prepares it once a connection where that is allowed. */
  readonly run: <R extends Row>(
    name: string,
    text: string,
    values: readonly unknown[],
  ) => Promise<R[]>;
  readonly tables: EngineTables;
}

/** Qualified, escaped names: graphile-worker's tables and our notes. */
export interface EngineTables {
  readonly jobs: string;
  readonly queues: string;
  readonly tasks: string;
  readonly notes: string;
  /** graphile-worker's schema, for its public functions. */
  readonly schema: string;
  /** The notes' schema and table, raw, for `to_regclass` and `reltuples`. */
  readonly jobsRegclass: string;
}

/**
 * Names the engine's tables.
 *
 * @param engineSchema - graphile-worker's schema, raw
 * @param schema - ours, raw
 */
export function engineTables(engineSchema: string, schema: string): EngineTables {
  const engine = pg.escapeIdentifier(engineSchema);
  return {
    jobs: `${engine}._private_jobs`,
    queues: `${engine}._private_job_queues`,
    tasks: `${engine}._private_tasks`,
    notes: `${pg.escapeIdentifier(schema)}.core_notes`,
    schema: engine,
    jobsRegclass: `${engine}._private_jobs`,
  };
}

/**
 * An {@link EngineDatabase} on a pool.
 *
 * @param preparedStatements - false behind a pooler that does not support them
 */
export function poolDatabase(
  pool: pg.Pool,
  tables: EngineTables,
  preparedStatements: boolean,
): EngineDatabase {
  return {
    tables,
    run: async <R extends Row>(name: string, text: string, values: readonly unknown[]) => {
      const query = {
        text,
        values: values as unknown[],
        ...(preparedStatements ? { name: `ow_${name}/${tables.schema}`.slice(0, 63) } : {}),
      };
      try {
        return (await pool.query<R>(query)).rows;
      } catch (error) {
        if (!isUndefinedTable(error)) throw error;
        const message = `the database lacks tables (${messageOf(error)}); run \`oppulence-worker migrate\`, or start a worker`;
        throw Object.assign(new Error(message, { cause: error }), {
          code: codeOf(error),
        });
      }
    },
  };
}
