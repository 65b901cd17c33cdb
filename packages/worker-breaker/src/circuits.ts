import {
  didYouMean,
  Loop,
  type PluginHost,
  parseDuration,
  settleWithin,
  systemClock,
} from "@oppulence/worker-core";
import { Circuit, type CircuitListener } from "./circuit.ts";
import { dependenciesOf, hintOf } from "./dependencies.ts";
import { BreakerStoreError, UnknownDependencyError } from "./errors.ts";
import type { ResolvedCircuitBreakerOptions } from "./options.ts";
import { type CircuitRecord, isBlocking } from "./record.ts";
import { toSettings } from "./settings.ts";
import type { BreakerStore } from "./store.ts";
import { StoreClock } from "./store-clock.ts";

/** What {@link Circuits} needs. */
export interface CircuitsInput {
  readonly host: PluginHost<ResolvedCircuitBreakerOptions>;
  readonly store: BreakerStore;
  readonly listener: CircuitListener;
}

/** All circuits of a worker or client, and how this process hears what becomes of them. */
export class Circuits {
  readonly #input: CircuitsInput;
  readonly #storeClock: StoreClock;
  readonly #timeoutMs: number;
  readonly #poll: Loop;
  #options: ResolvedCircuitBreakerOptions;
  #circuits: Map<string, Circuit> | undefined;
  #opening: Promise<void> | undefined;
  #problem: string | undefined;
  /** Told of changes while a read was under way. */
  readonly #stale = new Set<string>();
  #reading: Promise<void> | undefined;

  constructor(input: CircuitsInput) {
    this.#input = input;
    const { options, clock } = input.host;
    this.#options = options;
    this.#storeClock = new StoreClock(clock);
    this.#timeoutMs = parseDuration(options.storeTimeout, "plugin breaker, storeTimeout");
    this.#poll = new Loop({
      clock: systemClock,
      intervalMs: parseDuration(options.pollInterval, "plugin breaker, pollInterval"),
      turn: () => this.#turn(),
    });
  }

  /** What is wrong with the store, if anything is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** By name. Made when it is first asked for, as the tasks are complete only then. */
  get all(): ReadonlyMap<string, Circuit> {
    this.#circuits ??= this.#build(new Map());
    return this.#circuits;
  }

  /** @throws UnknownDependencyError */
  get(dependency: string): Circuit {
    const circuit = this.all.get(dependency);
    if (circuit !== undefined) return circuit;
    const hint = didYouMean(dependency, this.all.keys()) || hintOf(this.all);
    throw new UnknownDependencyError(dependency, hint);
  }

  /** Other options hold from now on. */
  configure(options: ResolvedCircuitBreakerOptions): void {
    this.#options = options;
    this.#circuits = this.#build(this.all);
  }

  #build(before: ReadonlyMap<string, Circuit>): Map<string, Circuit> {
    const { host, store, listener } = this.#input;
    const circuits = new Map<string, Circuit>();
    for (const [name, options] of dependenciesOf(this.#options, host.tasks.values())) {
      const settings = toSettings(options);
      const known = before.get(name);
      if (known !== undefined) known.settings = settings;
      const input = { store, clock: host.clock, storeClock: this.#storeClock, listener };
      circuits.set(
        name,
        known ?? new Circuit(name, settings, { ...input, timeoutMs: this.#timeoutMs }),
      );
    }
    return circuits;
  }

  /** Reads all circuits and hears of their changes from then on. Done once; never rejects. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { host, store, listener } = this.#input;
    if (this.all.size === 0) return;
    if (host.options.listen) {
      const onChange = (dependency: string) => void this.#changed(dependency);
      const onAlive = () => void this.refresh();
      await store
        .listen({ onChange, onAlive })
        .catch((error: unknown) => listener.onError("could not listen for circuits", error));
    }
    await this.refresh();
    this.#poll.start();
  }

  /** Ends what {@link Circuits.open} has begun. */
  async stop(): Promise<void> {
    await this.#poll.stop();
    await this.#input.store.stop();
    this.#opening = undefined;
  }

  /** Hears of nothing, or waits for what time alone brings: then the state is read now and then. */
  async #turn(): Promise<void> {
    const { store } = this.#input;
    const restless = [...this.all.values()].filter(({ record }) => isRestless(record));
    if (!store.isListening || this.#problem !== undefined) await this.refresh();
    else if (restless.length > 0) await this.refresh(restless.map(({ name }) => name));
  }

  /** One of a burst of changes is read, those that come meanwhile are read together. */
  async #changed(dependency: string): Promise<void> {
    if (!this.all.has(dependency)) return;
    this.#stale.add(dependency);
    this.#reading ??= (async () => {
      while (this.#stale.size > 0) {
        const names = [...this.#stale];
        this.#stale.clear();
        await this.refresh(names);
      }
      this.#reading = undefined;
    })();
    await this.#reading;
  }

  /** Reads circuits; one round trip. Never rejects: what was known before holds. */
  async refresh(names: readonly string[] = [...this.all.keys()]): Promise<void> {
    try {
      await this.read(names);
      this.#problem = undefined;
    } catch (error) {
      const { listener, store } = this.#input;
      if (this.#problem === undefined)
        listener.onError(`could not read circuits from ${store.name}`, error);
      this.#problem = `could not read circuits from ${store.name}`;
    }
  }

  /**
   * Reads circuits; one round trip.
   *
   * @throws BreakerStoreError, and what the store throws
   */
  async read(names: readonly string[] = [...this.all.keys()]): Promise<void> {
    const { store } = this.#input;
    const answered = this.#storeClock.ask();
    const late = () =>
      new BreakerStoreError(`${store.name} did not answer within ${this.#timeoutMs} ms`);
    const { now, records } = await settleWithin(store.read(names), this.#timeoutMs, late);
    answered(now);
    for (const name of names) this.all.get(name)?.adopt(records.get(name));
  }
}

/** Time alone, or another process's parking, will change it. */
function isRestless(record: CircuitRecord | undefined): boolean {
  return record === undefined || isBlocking(record.state) || record.parked;
}
