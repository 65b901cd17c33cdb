import { HeldPlaces } from "./held-places.ts";
import { RedisChannel } from "./redis-channel.ts";
import { type RedisClient, RedisLink } from "./redis-link.ts";
import {
  admitInput,
  answerOf,
  type RawAnswer,
  refundInput,
  specOf,
  turnsOf,
} from "./redis-request.ts";
import { SCRIPTS, type Script } from "./redis-scripts.ts";
import type {
  AdmitRequest,
  Admitted,
  Bucket,
  BucketState,
  LineEntry,
  Override,
  PlaceInLine,
  RateLimitStore,
  Refund,
  Started,
  StoreFactory,
  StoreInput,
  Turn,
} from "./store.ts";

/** Settings of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * What keys begin with, as a hash tag: all are in one slot of a cluster. Limits are shared by those who have the
   * same prefix.
   *
   * @defaultValue `oppulence-ratelimit:` and the name of our schema
   */
  readonly prefix?: string;
}

/**
 * Keeps limits in Redis: one script, hence one round trip, an operation. It has a connection of its own, made from the
 * client's settings at the first use. Time is Redis'.
 *
 * A unit's time is rounded up to a sixteenth of a microsecond: rates above 16 million a second are that. What Redis
 * forgets in a restart without persistence, the limiter forgets: lines build up anew in the order in which jobs come.
 *
 * @param client - an `ioredis` client, of one Redis or a cluster; it is neither used nor closed
 * @returns what the plugin's option `store` takes
 */
export function redisStore(client: RedisClient, { prefix }: RedisStoreOptions = {}): StoreFactory {
  return (input) => new RedisStore(client, prefix, input);
}

class RedisStore implements RateLimitStore {
  readonly #client: RedisClient;
  readonly #link: RedisLink;
  readonly #root: string;
  readonly #leaseMs: number;
  readonly #timeoutMs: number;
  readonly #held = new HeldPlaces();

  constructor(
    client: RedisClient,
    prefix: string | undefined,
    { schema, leaseMs, timeoutMs }: StoreInput,
  ) {
    this.#client = client;
    this.#root = `{${prefix ?? `oppulence-ratelimit:${schema.replaceAll('"', "")}`}}`;
    this.#leaseMs = leaseMs;
    this.#timeoutMs = timeoutMs;
    this.#link = new RedisLink(client, this.#root, this.#timeoutMs);
  }

  async admit(
    holder: string,
    requests: readonly AdmitRequest[],
    started: readonly Started[],
  ): Promise<Admitted> {
    const input = admitInput(holder, this.#leaseMs, requests, started);
    type Raw = readonly [readonly RawAnswer[], readonly string[]];
    const [answers, turns] = await this.#link.run<Raw>(SCRIPTS.admit, input);
    const admitted = { answers: answers.map(answerOf), turns: turnsOf(turns) };
    this.#held.add(holder, requests, admitted);
    return admitted;
  }

  release(holder: string, ids: readonly string[]): Promise<readonly Turn[]> {
    this.#held.delete(holder, ids);
    return this.#turns(SCRIPTS.release, { holder, ids });
  }

  async refund(refunds: readonly Refund[]): Promise<void> {
    await this.#link.run(SCRIPTS.refund, refundInput(refunds));
  }

  lineUp(bucket: Bucket, entries: readonly LineEntry[]): Promise<readonly Turn[]> {
    const rows = entries.map(({ id, units }) => [id, units]);
    return this.#turns(SCRIPTS.lineUp, { spec: specOf(bucket), entries: rows });
  }

  leave(ids: readonly string[]): Promise<readonly Turn[]> {
    return this.#turns(SCRIPTS.leave, { ids });
  }

  tend(bucket: Bucket): Promise<readonly Turn[]> {
    return this.#turns(SCRIPTS.tend, { spec: specOf(bucket) });
  }

  async renew(holder: string): Promise<readonly string[]> {
    const held = this.#held.of(holder);
    if (held.size === 0) return [];
    const fewer = await this.#link.run<readonly string[]>(SCRIPTS.renew, {
      holder,
      leaseMs: this.#leaseMs,
      ids: [...held.keys()],
      counts: [...held.values()],
    });
    // One that was given back in the meantime is not lost.
    const lost = fewer.filter((id) => this.#held.has(holder, id));
    this.#held.delete(holder, lost);
    return lost;
  }

  async busy(
    limiters: readonly string[],
    limit: number,
  ): Promise<readonly { limiter: string; key: string }[]> {
    const input = { limiters, limit };
    const pairs = await this.#link.run<readonly (readonly [string, string])[]>(SCRIPTS.busy, input);
    return pairs.map(([limiter, key]) => ({ limiter, key }));
  }

  async lead(holder: string, what: string, forMs: number): Promise<boolean> {
    return (await this.#link.run<number>(SCRIPTS.lead, { holder, what, forMs })) === 1;
  }

  async states(limiter: string | undefined, limit: number): Promise<readonly BucketState[]> {
    type Raw = readonly [string, string, string, string, string];
    const input = { limiter: limiter ?? null, limit };
    const rows = await this.#link.run<readonly Raw[]>(SCRIPTS.states, input);
    return rows.map(([name, key, utilization, running, waiting]) => ({
      limiter: name,
      key,
      utilization: Number(utilization),
      running: running === "" ? undefined : Number(running),
      waiting: Number(waiting),
    }));
  }

  async inLine(id: string): Promise<readonly PlaceInLine[]> {
    type Raw = readonly [string, string, string, string, string];
    const rows = await this.#link.run<readonly Raw[]>(SCRIPTS.inLine, { id });
    return rows.map(([limiter, key, before, since, turn]) => ({
      limiter,
      key,
      before: Number(before),
      since: new Date(Number(since)),
      turnAt: turn === "" ? undefined : new Date(Number(turn)),
    }));
  }

  async overrides(): Promise<readonly Override[]> {
    const rows = await this.#link.run<readonly string[]>(SCRIPTS.overrides, {});
    return rows.map((row) => {
      const at = row.indexOf(" ");
      const record = JSON.parse(row.slice(at + 1)) as Omit<Override, "setAt">;
      return { ...record, setAt: new Date(Number(row.slice(0, at))) };
    });
  }

  async setOverride({
    limiter,
    key,
    limits,
    actor,
    reason,
  }: Omit<Override, "setAt">): Promise<void> {
    const record = JSON.stringify({ limiter, key, limits, actor, reason });
    await this.#link.run(SCRIPTS.setOverride, { limiter, key, record, log: record });
  }

  async deleteOverride(
    limiter: string,
    key: string | null,
    { actor, reason }: Pick<Override, "actor" | "reason">,
  ): Promise<boolean> {
    const log = JSON.stringify({ limiter, key, limits: null, actor, reason });
    const input = { limiter, key, record: null, log };
    return (await this.#link.run<number>(SCRIPTS.setOverride, input)) === 1;
  }

  /** A page of keys a round trip: no script holds others up for long. */
  async reset(limiter: string, key: string | undefined): Promise<number> {
    let total = 0;
    let cursor = "0";
    do {
      const input = { limiter, key: key ?? null, cursor };
      const [next, count] = await this.#link.run<readonly [string, string]>(SCRIPTS.reset, input);
      cursor = next;
      total += Number(count);
    } while (cursor !== "0");
    return total;
  }

  sweep(limit: number): Promise<number> {
    return this.#link.run(SCRIPTS.sweep, { limit });
  }

  async listen(on: {
    readonly overrides: () => void;
    readonly turns: (ids: readonly string[]) => void;
  }): Promise<() => Promise<void>> {
    const channel = new RedisChannel({
      client: this.#client,
      name: `${this.#root}:events`,
      timeoutMs: this.#timeoutMs,
      onMessage: (message) =>
        message === "overrides" ? on.overrides() : on.turns(JSON.parse(message) as string[]),
      // What was said while nobody heard is lost.
      onAlive: () => on.overrides(),
    });
    await channel.start();
    return () => channel.stop();
  }

  async stop(): Promise<void> {
    this.#link.stop();
  }

  async #turns(script: Script, input: object): Promise<readonly Turn[]> {
    return turnsOf(await this.#link.run<readonly string[]>(script, input));
  }
}
