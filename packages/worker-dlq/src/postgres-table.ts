/** The table's name in a statement. */
export function tableOf(schema: string): string {
  return `${schema}.graphile_worker_dlq`;
}

/**
 * All columns as {@link DeadLetterRow} has them. Ids are text: JavaScript's numbers end before bigint's.
 *
 * @param payload - the expression for the payload
 */
export function columns(payload: string): string {
  return `id::text as id, job_id::text as job_id, origin_id::text as origin_id, requeue_count, task, queue_name,
  job_key, priority, ${payload} as payload, payload_size, redacted, flags, attempts, max_attempts, run_at,
  created_at, failed_at, dead_at, reason, error_name, error_code, error_message, error_stack, error_causes,
  earlier_errors, fingerprint, worker`;
}
