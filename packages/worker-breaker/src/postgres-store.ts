import { Channel, type Query, systemClock } from "@oppulence/worker-core";
import { CircuitTables } from "./postgres-circuits.ts";
import { initialRecord } from "./record.ts";
import type {
  Apply,
  BreakerStore,
  Changed,
  Leadership,
  Snapshot,
  StoreInput,
  StoreListener,
} from "./store.ts";
import type { Transition } from "./transition.ts";

const CHANNEL = "oppulence_worker_breaker";

/** Circuits in PostgreSQL: a row's lock makes changes atomic, `NOTIFY` tells of them. */
class PostgresStore implements BreakerStore {
  readonly name = "PostgreSQL";
  readonly #input: StoreInput;
  readonly #tables: CircuitTables;
  #channel: Channel | undefined;

  constructor(input: StoreInput) {
    this.#input = input;
    this.#tables = new CircuitTables(input.schema);
  }

  get isListening(): boolean {
    return this.#channel?.isListening ?? false;
  }

  async listen({ onChange, onAlive }: StoreListener): Promise<void> {
    const { pool, logger, schema } = this.#input;
    this.#channel ??= new Channel({
      name: CHANNEL,
      topic: "circuits",
      pool,
      // Connections and other processes know nothing of a clock that tests inject.
      clock: systemClock,
      logger,
      onMessage(payload) {
        const [ofSchema, dependency] = JSON.parse(payload) as [string, string];
        if (ofSchema === schema) onChange(dependency);
      },
      async onAlive(query) {
        await query("select 1");
        onAlive();
      },
    });
    await this.#channel.start();
  }

  async stop(): Promise<void> {
    await this.#channel?.stop();
    this.#channel = undefined;
  }

  read(dependencies: readonly string[]): Promise<Snapshot> {
    return this.#tables.read(this.#input.query, dependencies);
  }

  change<T>(dependency: string, apply: Apply<T>): Promise<Changed<T>> {
    return this.#input.transaction(async (query) => {
      const { current, now } = await this.#lock(query, dependency);
      const change = apply(current, now);
      if (change.record !== undefined || change.announce || change.transitions.length > 0)
        await this.#tables.write(query, dependency, change, {
          channel: CHANNEL,
          retentionMs: this.#input.retentionMs,
        });
      return { value: change.value, now };
    });
  }

  /** The locked circuit; one that was made just now is none that was stored. */
  async #lock(query: Query, dependency: string) {
    const row = await this.#tables.lock(query, dependency);
    if (row !== undefined) return { current: row.record, now: row.now };
    const now = await this.#tables.create(query, dependency, initialRecord(0));
    if (now !== undefined) return { current: undefined, now };
    const other = await this.#tables.lock(query, dependency);
    if (other === undefined) throw new Error(`the row of circuit ${dependency} is gone`);
    return { current: other.record, now: other.now };
  }

  lead(dependency: string, owner: string, leaseMs: number): Promise<Leadership> {
    return this.#tables.lead(this.#input.query, dependency, owner, leaseMs);
  }

  resign(dependency: string, owner: string): Promise<void> {
    return this.#tables.resign(this.#input.query, dependency, owner);
  }

  history(dependency: string | undefined, limit: number): Promise<readonly Transition[]> {
    return this.#tables.history(this.#input.query, dependency, limit);
  }
}

/** The default store. */
export function postgresStore(input: StoreInput): BreakerStore {
  return new PostgresStore(input);
}
