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
 * @returns the smallest id among them: jobs from there on are these
 */
export async function fill(
  connection: pg.Client,
  identifier: string,
  jobs: number,
): Promise<string> {
  const { rows } = await connection.query<{ first: string }>(
    `select min(id) as first from graphile_worker.add_jobs(array(
  select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', $1::text, 'payload', json_build_object('n', n)))
  from generate_series(1, $2::int) as n
))`,
    [identifier, jobs],
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

/** Resolves once no job from an id on is left: the last completion is in the database. */
export async function untilGone(connection: pg.Client, first: string): Promise<void> {
  for (;;) {
    const { rows } = await connection.query(
      "select from graphile_worker._private_jobs where id >= $1::bigint limit 1",
      [first],
    );
    if (rows.length === 0) return;
  }
}
