import type { PluginHost, Query, RunTransaction } from "@oppulence/worker-core";
import type { CircuitRecord } from "./record.ts";
import type { Transition } from "./transition.ts";

/** What a store is made with. */
export interface StoreInput {
  readonly query: Query;
  readonly transaction: RunTransaction;
  readonly pool: PluginHost["pool"];
  readonly logger: PluginHost["logger"];
  /** Our schema's name, escaped; keeps installations in one database, or one Redis, apart. */
  readonly schema: string;
  /** How long transitions are kept. */
  readonly retentionMs: number;
  /** How long one command may take. */
  readonly timeoutMs: number;
}

/** Makes a store: what the option `store` takes. Nothing is connected yet. */
export type StoreFactory = (input: StoreInput) => BreakerStore;

/** Who is told of changes. */
export interface StoreListener {
  /** The circuit of this dependency has changed, here or elsewhere. */
  readonly onChange: (dependency: string) => void;
  /** Changes are heard from now on; what changed before may have been missed. */
  readonly onAlive: () => void;
}

/** A new record, and what came of it. */
export interface Change<T> {
  /** Undefined leaves the stored one as it is. */
  readonly record: CircuitRecord | undefined;
  readonly transitions: readonly Transition[];
  /** Tell all processes. */
  readonly announce: boolean;
  readonly value: T;
}

/**
 * Makes a {@link Change}. Pure: it may be called several times.
 *
 * @param current - undefined where nothing is stored
 * @param now - milliseconds since the epoch, by the store's clock
 */
export type Apply<T> = (current: CircuitRecord | undefined, now: number) => Change<T>;

/** What a change has led to. */
export interface Changed<T> {
  readonly value: T;
  /** The store's clock, just after. */
  readonly now: number;
}

/** What the store holds. */
export interface Snapshot {
  readonly now: number;
  readonly records: ReadonlyMap<string, CircuitRecord>;
}

/** Who leads, and for how much longer. */
export interface Leadership {
  readonly leads: boolean;
  readonly leftMs: number;
}

/**
 * Where the state of circuits is shared. Every method is one round trip, or a transaction; it rejects when the store
 * cannot be reached. One suite tests all of them: `test/store-suite.ts`.
 */
export interface BreakerStore {
  /** For messages: `"PostgreSQL"`. */
  readonly name: string;
  /** Whether changes of other processes are heard at this moment. */
  readonly isListening: boolean;
  /** Hears of changes from now on. Resolves after the first attempt, whether or not it succeeded. */
  listen(listener: StoreListener): Promise<void>;
  /** Ends connections of its own. Safe to call again. */
  stop(): Promise<void>;
  /** Reads circuits; those that nothing has happened to are left out. */
  read(dependencies: readonly string[]): Promise<Snapshot>;
  /** Changes a circuit atomically among all processes, with its transitions, and tells them. */
  change<T>(dependency: string, apply: Apply<T>): Promise<Changed<T>>;
  /** Leads the parking of a dependency for so long, if nobody else does. Asking again prolongs it. */
  lead(dependency: string, owner: string, leaseMs: number): Promise<Leadership>;
  /** Ends a lead before its time. */
  resign(dependency: string, owner: string): Promise<void>;
  /** Transitions, newest first. */
  history(dependency: string | undefined, limit: number): Promise<readonly Transition[]>;
}
