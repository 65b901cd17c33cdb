import type { Query } from "@oppulence/worker-core";

/** A job that a process could not run for want of the definition. */
export interface Stray {
  readonly job: string;
  readonly workflow: string;
  readonly hash: string;
}

/** Jobs that wait for a process that has their definition, in the database. */
export class StrayStore {
  readonly #table: string;

  constructor(schema: string) {
    this.#table = `${schema}.saga_strays`;
  }

  async note(query: Query, strays: readonly Stray[]): Promise<void> {
    await query(
      `insert into ${this.#table} as s (job_id, workflow, hash)
select distinct on (job) job, workflow, hash from unnest($1::bigint[], $2::text[], $3::text[]) as i(job, workflow, hash)
order by job
on conflict (job_id) do update set noted_at = excluded.noted_at`,
      [
        strays.map(({ job }) => job),
        strays.map(({ workflow }) => workflow),
        strays.map(({ hash }) => hash),
      ],
    );
  }

  /** A page of those whose definition is one of these, kept from other processes until the transaction ends. */
  lock(
    query: Query,
    definitions: readonly { readonly name: string; readonly hash: string }[],
    limit: number,
  ): Promise<{ job: string; isOld: boolean }[]> {
    return query(
      `select s.job_id as job, s.noted_at < clock_timestamp() - interval '1 minute' as "isOld"
from ${this.#table} as s
where (s.workflow, s.hash) in (select * from unnest($1::text[], $2::text[]))
order by s.job_id limit $3 for update skip locked`,
      [definitions.map(({ name }) => name), definitions.map(({ hash }) => hash), limit],
    );
  }

  async forget(query: Query, jobs: readonly string[]): Promise<void> {
    await query(`delete from ${this.#table} where job_id = any($1::bigint[])`, [jobs]);
  }

  /** Deletes a page of those that nobody has noted for a day: their jobs are gone, or would have been noted again. */
  async sweep(query: Query, limit: number): Promise<void> {
    await query(
      `delete from ${this.#table} where job_id = any(array(
  select job_id from ${this.#table} where noted_at < now() - interval '1 day' limit $1 for update skip locked
))`,
      [limit],
    );
  }
}
