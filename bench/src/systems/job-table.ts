import pg from "pg";

/** A connection of the bench's own, beside those of the system under test. */
export async function withConnection<T>(
  databaseUrl: string,
  body: (connection: pg.Client) => Promise<T>,
): Promise<T> {
  const connection = new pg.Client({ connectionString: databaseUrl });
  await connection.connect();
  try {
    return await body(connection);
  } finally {
    await connection.end();
  }
}

/**
 * Adds jobs of one task in one statement, the way that costs least.
 *
 * @param spec - more of graphile-worker's job spec
 * @returns the smallest id among them: jobs from there on are these
 */
export async function fill(
  connection: pg.Client,
  identifier: string,
  jobs: number,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { rows } = await connection.query<{ first: string }>(
    `select min(id) as first from graphile_worker.add_jobs(array(
  select json_populate_record(null::graphile_worker.job_spec, (jsonb_build_object('identifier', $1::text, 'payload', jsonb_build_object('n', n)) || $3::jsonb)::json)
  from generate_series(1, $2::int) as n
))`,
    [identifier, jobs, JSON.stringify(spec)],
  );
  return (rows[0] as { first: string }).first;
}

/** Does at once what autovacuum and the checkpointer do on a server that has been running for a while. */
export async function vacuum(connection: pg.Client): Promise<void> {
  await connection.query("vacuum (analyze) graphile_worker._private_jobs");
  await connection.query("checkpoint");
}

/** Removes every job, and the space that finished ones still take. */
export async function empty(connection: pg.Client): Promise<void> {
  await connection.query("truncate graphile_worker._private_jobs");
}

/** Resolves once no job from an id on is left to run: the last completion or failure is in the database. */
export async function untilGone(connection: pg.Client, first: string): Promise<void> {
  for (;;) {
    const { rows } = await connection.query(
      "select from graphile_worker._private_jobs where id >= $1::bigint and (attempts < max_attempts or locked_at is not null) limit 1",
      [first],
    );
    if (rows.length === 0) return;
  }
}

/** Counts jobs of a task that are due and nobody holds, up to `most`. */
export async function dueJobs(
  connection: pg.Client,
  identifier: string,
  most: number,
): Promise<number> {
  const { rows } = await connection.query<{ count: number }>(
    `select count(*)::int as count from (
  select from graphile_worker._private_jobs
  where is_available and run_at <= now()
    and task_id = (select id from graphile_worker._private_tasks where identifier = $1)
  limit $2
) as due`,
    [identifier, most],
  );
  return (rows[0] as { count: number }).count;
}
