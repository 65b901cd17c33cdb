import type { Query } from "@oppulence/worker-core";

/** Who decides what the schedules of the code are. */
export interface Leader {
  readonly fingerprint: string;
  readonly version: number;
  /** The database's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** A registry that wants to be told of. */
export interface Claim {
  readonly fingerprint: string;
  readonly version: number;
  readonly schedules: number;
  /** It is a change made just now, to whatever was seen before: an edit of the overlay while the process runs. */
  readonly isNew: boolean;
  /** How long a registry is alive after it was last seen. */
  readonly aliveMs: number;
}

/** The table `cron_registries`: which sets of schedules are deployed, and which of them decides. */
export class RegistryTable {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  /** Has reconcilers wait for one another until the end of the transaction. */
  async lock(query: Query): Promise<void> {
    await query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `oppulence_worker cron ${this.#schema}`,
    ]);
  }

  /**
   * Says that a registry is there, and who decides. Of those that are alive the highest version decides, then
   * the one that came last. Behind {@link RegistryTable.lock}.
   */
  async claim(query: Query, claim: Claim): Promise<Leader> {
    const { fingerprint, version, schedules, isNew } = claim;
    const next = `nextval('${this.#schema}.cron_generations')`;
    await query(
      `insert into ${this.#schema}.cron_registries as known (fingerprint, version, generation, schedules)
values ($1, $2, ${next}, $3)
on conflict (fingerprint) do update set seen_at = clock_timestamp(), version = excluded.version,
  generation = case when $4 then ${next} else known.generation end`,
      [fingerprint, version, schedules, isNew],
    );
    const leader = await this.leader(query, claim);
    // One whose rivals are gone is the last from now on: a rival that was only paused must not come back.
    if (leader.fingerprint === fingerprint)
      await query(
        `update ${this.#schema}.cron_registries set generation = ${next}
where fingerprint = $1 and generation < (select max(generation) from ${this.#schema}.cron_registries)`,
        [fingerprint],
      );
    return leader;
  }

  /** Says that a registry is still there; one statement. */
  async seen(query: Query, claim: Claim): Promise<Leader> {
    await query(
      `update ${this.#schema}.cron_registries set seen_at = clock_timestamp() where fingerprint = $1`,
      [claim.fingerprint],
    );
    return this.leader(query, claim);
  }

  async leader(query: Query, { fingerprint, version, aliveMs }: Claim): Promise<Leader> {
    const [row] = await query<Leader>(
      `select fingerprint, version::float8 as version,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as now
from ${this.#schema}.cron_registries as known
where fingerprint = $1 or seen_at > clock_timestamp() - $2 * interval '1 millisecond'
order by known.version desc, generation desc limit 1`,
      [fingerprint, aliveMs],
    );
    return row ?? { fingerprint, version, now: Date.now() };
  }

  /** Forgets registries that nobody has shown for long. */
  async sweep(query: Query, olderThanMs: number): Promise<void> {
    await query(
      `delete from ${this.#schema}.cron_registries where seen_at < clock_timestamp() - $1 * interval '1 millisecond'`,
      [olderThanMs],
    );
  }
}
