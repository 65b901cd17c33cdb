import type { CircuitRecord } from "./record.ts";
import { RedisChannel } from "./redis-channel.ts";
import { type RedisClient, RedisLink } from "./redis-link.ts";
import { CHANGE, LEAD, READ, RESIGN } from "./redis-scripts.ts";
import type {
  Apply,
  BreakerStore,
  Change,
  Changed,
  Leadership,
  Snapshot,
  StoreFactory,
  StoreInput,
  StoreListener,
} from "./store.ts";
import { StoreClock } from "./store-clock.ts";
import type { Transition } from "./transition.ts";

/** How {@link redisStore} names things. */
export interface RedisStoreOptions {
  /** Begins every key. @defaultValue `"oppulence-breaker"` */
  readonly prefix?: string;
}

/** A circuit as it was seen last. */
interface Seen {
  readonly version: string;
  readonly record: CircuitRecord | undefined;
}

/** How far the time that a change is reckoned with may be off. */
const TOLERANCE_MS = 1_000;
/** Rounds against other processes' changes; each round one of them gets through. */
const MOST_ROUNDS = 100;
const KEPT_TRANSITIONS = 1_000;
const NONE: Seen = { version: "", record: undefined };

/** Circuits in Redis: compared and changed by a script, told of by pub/sub. All keys have one hash tag. */
class RedisStore implements BreakerStore {
  readonly name = "Redis";
  readonly #client: RedisClient;
  readonly #input: StoreInput;
  readonly #prefix: string;
  readonly #seen = new Map<string, Seen>();
  #link: RedisLink | undefined;
  #channel: RedisChannel | undefined;
  readonly #clock = new StoreClock({ now: () => performance.timeOrigin + performance.now() });

  constructor(
    client: RedisClient,
    input: StoreInput,
    { prefix = "oppulence-breaker" }: RedisStoreOptions,
  ) {
    this.#client = client;
    this.#input = input;
    this.#prefix = `{${prefix}:${input.schema.replaceAll('"', "")}}`;
  }

  get isListening(): boolean {
    return this.#channel?.isListening ?? false;
  }

  async listen({ onChange, onAlive }: StoreListener): Promise<void> {
    this.#channel ??= new RedisChannel({
      client: this.#client,
      name: `${this.#prefix}:changed`,
      timeoutMs: this.#input.timeoutMs,
      onMessage: onChange,
      onAlive,
    });
    await this.#channel.start();
  }

  async stop(): Promise<void> {
    await this.#channel?.stop();
    this.#channel = undefined;
    this.#link?.stop();
    this.#link = undefined;
  }

  async read(dependencies: readonly string[]): Promise<Snapshot> {
    const keys = dependencies.map((dependency) => this.#key("circuit", dependency));
    const answered = this.#clock.ask();
    const [time, ...texts] = await this.#run(READ, keys, []);
    const now = Number(time);
    answered(now);
    const records = new Map<string, CircuitRecord>();
    for (const [index, dependency] of dependencies.entries()) {
      const { record } = this.#remember(dependency, texts[index]);
      if (record !== undefined) records.set(dependency, record);
    }
    return { now, records };
  }

  async change<T>(dependency: string, apply: Apply<T>): Promise<Changed<T>> {
    if (!this.#seen.has(dependency)) await this.read([dependency]);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const changed = await this.#tryChange(dependency, apply);
      if (changed !== undefined) return changed;
      // Many that try at once would go on meeting one another.
      if (round > 2) await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * round));
    }
    throw new Error(`circuit ${dependency} changes too fast`);
  }

  /** @returns undefined when another process was faster, or the clock was misjudged: both are known now */
  async #tryChange<T>(dependency: string, apply: Apply<T>): Promise<Changed<T> | undefined> {
    const seen = this.#seen.get(dependency) ?? NONE;
    const reckoned = Math.floor(this.#clock.now());
    const change = apply(seen.record, reckoned);
    const keys = [
      this.#key("circuit", dependency),
      this.#key("history", dependency),
      this.#key("history"),
    ];
    const answered = this.#clock.ask();
    const [done, time, text] = await this.#run(
      CHANGE,
      keys,
      this.#argumentsOf(dependency, seen, reckoned, change),
    );
    const now = Number(time);
    answered(now);
    if (done !== "1") {
      this.#remember(dependency, text);
      return undefined;
    }
    if (change.record !== undefined)
      this.#seen.set(dependency, { version: String(change.record.version), record: change.record });
    return { value: change.value, now };
  }

  #argumentsOf(
    dependency: string,
    seen: Seen,
    reckoned: number,
    { record, transitions, announce }: Change<unknown>,
  ): (string | number)[] {
    return [
      seen.version,
      reckoned,
      TOLERANCE_MS,
      record?.version ?? "",
      record === undefined ? "" : JSON.stringify(record),
      announce ? `${this.#prefix}:changed` : "",
      dependency,
      KEPT_TRANSITIONS,
      this.#input.retentionMs,
      ...transitions.flatMap((each) => [each.at.getTime(), JSON.stringify(each)]),
    ];
  }

  async lead(dependency: string, owner: string, leaseMs: number): Promise<Leadership> {
    const [leads, left] = await this.#run(
      LEAD,
      [this.#key("leader", dependency)],
      [owner, leaseMs],
    );
    return { leads: leads === "1", leftMs: Math.max(0, Number(left)) };
  }

  async resign(dependency: string, owner: string): Promise<void> {
    await this.#run(RESIGN, [this.#key("leader", dependency)], [owner]);
  }

  async history(dependency: string | undefined, limit: number): Promise<readonly Transition[]> {
    const texts = await this.#linked().list(this.#key("history", dependency), limit);
    return texts.map(toTransition);
  }

  #key(kind: string, dependency?: string): string {
    return dependency === undefined
      ? `${this.#prefix}:${kind}`
      : `${this.#prefix}:${kind}:${dependency}`;
  }

  #linked(): RedisLink {
    this.#link ??= new RedisLink(this.#client, this.#input.timeoutMs);
    return this.#link;
  }

  #run(...[script, keys, args]: Parameters<RedisLink["run"]>): Promise<readonly string[]> {
    return this.#linked().run(script, keys, args);
  }

  #remember(dependency: string, text: string | undefined): Seen {
    const record =
      text === undefined || text === "" ? undefined : (JSON.parse(text) as CircuitRecord);
    const seen = record === undefined ? NONE : { version: String(record.version), record };
    this.#seen.set(dependency, seen);
    return seen;
  }
}

function toTransition(text: string): Transition {
  const { at, nextProbe, reason, actor, lastError, ...rest } = JSON.parse(
    text.slice(text.indexOf(" ") + 1),
  ) as Omit<Transition, "at" | "nextProbe"> & { readonly at: string; readonly nextProbe?: string };
  return {
    ...rest,
    reason,
    actor,
    lastError,
    at: new Date(at),
    nextProbe: nextProbe === undefined ? undefined : new Date(nextProbe),
  };
}

/**
 * Keeps circuits in Redis: what the option `store` takes. It makes two connections of its own, with the settings of
 * the client that it is given; that one is neither used nor closed.
 *
 * @param client - of `ioredis`, of one server or of a cluster
 *
 * @example
 * circuitBreaker({ store: redisStore(new Redis("redis://localhost:6379")), dependencies: { smtp: {} } });
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): StoreFactory {
  return (input) => new RedisStore(client, input, options);
}
