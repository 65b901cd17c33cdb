import type { Query } from "@oppulence/worker-core";

/** How {@link fillDeadLetters} varies the entries. */
export interface FillOptions {
  /** Our schema. @defaultValue `"oppulence_worker"` */
  readonly schema?: string;
  /** @defaultValue `20` */
  readonly tasks?: number;
  /** Causes of each task. @defaultValue `10` */
  readonly causes?: number;
}

/**
 * Fills the table on the server: entry `n` is of task `task_<n % tasks>`, one of its causes, and was moved
 * `count - n` seconds ago. Each has a payload, a stack and a label, as real ones have.
 */
export async function fillDeadLetters(
  query: Query,
  count: number,
  { schema = "oppulence_worker", tasks = 20, causes = 10 }: FillOptions = {},
): Promise<void> {
  await query(
    `insert into ${schema}.graphile_worker_dlq (job_id, origin_id, task, priority, payload, payload_size, flags,
  attempts, max_attempts, run_at, created_at, failed_at, dead_at, reason, error_name, error_message, error_stack,
  fingerprint, worker)
select n, n, 'task_' || n % $2::int, 0, payload.text::json, octet_length(payload.text),
  jsonb_build_object('tenant=t' || n % 1000, true), 1, 1, at, at, at, at, 'attempts_exhausted', 'TypeError',
  'cannot read user ' || n, repeat('    at work (/app/src/work.ts:10:3)' || chr(10), 8),
  substr(md5(n % $2::int || '/' || n / $2::int % $3::int), 1, 16), 'worker-1'
from generate_series(1, $1::int) as n
cross join lateral (select now() - ($1::int - n) * interval '1 second' as at) as moved
cross join lateral (select json_build_object('n', n, 'text', repeat('x', 100))::text as text) as payload`,
    [count, tasks, causes],
  );
  await query(`vacuum analyze ${schema}.graphile_worker_dlq`);
}
