import { type JobOptions, type Query, toFlags } from "@oppulence/worker-core";
import pg from "pg";

/** Adds a job in plain SQL, past the core and its hooks. */
export interface EnqueueSql {
  /**
   * Calls graphile-worker's `add_job`, as triggers and programs in other languages do.
   *
   * @param identifier - the task's identifier; none is checked
   * @param payload - anything JSON can hold; `{}` when undefined
   * @returns the job's id
   */
  (identifier: string, payload?: unknown, options?: JobOptions): Promise<string>;
}

/** Makes an {@link EnqueueSql}. */
export function createEnqueueSql(query: Query, engineSchema: string): EnqueueSql {
  return async (identifier, payload = {}, options = {}) => {
    const [row] = await query<{ id: string }>(
      `select id::text as id from ${pg.escapeIdentifier(engineSchema)}.add_job(
  identifier => $1, payload => $2::json, queue_name => $3, run_at => $4, max_attempts => $5,
  job_key => $6, priority => $7, flags => $8, job_key_mode => coalesce($9, 'replace')
)`,
      [
        identifier,
        JSON.stringify(payload),
        options.queueName ?? null,
        options.runAt?.toISOString() ?? null,
        options.maxAttempts ?? null,
        options.jobKey ?? null,
        options.priority ?? null,
        toFlags(options.labels ?? {}, options.flags) ?? null,
        options.jobKeyMode ?? null,
      ],
    );
    return (row as { id: string }).id;
  };
}
