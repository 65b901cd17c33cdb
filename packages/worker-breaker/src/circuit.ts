import { randomUUID } from "node:crypto";
import { type Clock, createBatcher, settleWithin } from "@oppulence/worker-core";
import { BreakerStoreError } from "./errors.ts";
import { type Failure, SETTLE_MS } from "./machine.ts";
import { type Operation, operate } from "./operations.ts";
import { type Counted, PendingCalls } from "./pending-calls.ts";
import { holdsProbe, type ProbeVerdict } from "./probes.ts";
import { type CircuitRecord, initialRecord } from "./record.ts";
import type { Settings } from "./settings.ts";
import type { BreakerStore } from "./store.ts";
import type { StoreClock } from "./store-clock.ts";
import { excessOf, roomFor } from "./threshold.ts";
import type { Transition } from "./transition.ts";
import { currentWindow, isCalm, plus, type Tally, tallyOf } from "./window.ts";

/** Who is told what becomes of circuits in this process. */
export interface CircuitListener {
  /** Another record is known; of the circuit's first one, `before` is undefined. */
  readonly onRecord: (circuit: Circuit, before: CircuitRecord | undefined) => void;
  /** This process has made a transition, and it is stored. */
  readonly onTransition: (transition: Transition) => void;
  readonly onError: (message: string, error: unknown) => void;
}

/** What a {@link Circuit} needs. */
export interface CircuitInput {
  readonly store: BreakerStore;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  /** How long an answer of the store is waited for. */
  readonly timeoutMs: number;
  readonly listener: CircuitListener;
}

/** How often successes are told while the window holds failures. */
const TELL_EVERY_MS = 250;
/** Rounds of waiting for a window that settles. */
const MOST_ROUNDS = 3;

/** A dependency's circuit, as this process knows it. What is asked of the store is gathered while a question is under way. */
export class Circuit {
  readonly name: string;
  settings: Settings;
  /** The last that was heard; undefined until the store has answered once. */
  record: CircuitRecord | undefined;
  /** Calls of this process under way. */
  underWay = 0;
  /** What this process counted would open the circuit: the store is being asked whether it is. */
  isSuspect = false;
  readonly #input: CircuitInput;
  readonly #pending = new PendingCalls();
  readonly #ask: (item: Operation | "report") => Promise<boolean>;
  #settling: Promise<void> | undefined;
  #telling = false;

  constructor(name: string, settings: Settings, input: CircuitInput) {
    this.name = name;
    this.settings = settings;
    this.#input = input;
    this.#ask = createBatcher((items) => this.#flush(items));
  }

  /** Milliseconds since the epoch, by the store's clock. */
  now(): number {
    return this.#input.storeClock.now();
  }

  get generation(): number {
    return this.record?.generation ?? 0;
  }

  /** Does something to the shared record. */
  do(operation: Operation): Promise<boolean> {
    return this.#ask(operation);
  }

  /** Calls that may be under way at once in this process. */
  get room(): number {
    if (this.settings.maxUnderWay === undefined) return Number.POSITIVE_INFINITY;
    return roomFor(this.#tally(), this.settings);
  }

  /**
   * Takes a probe.
   *
   * @returns its id; undefined when none is free
   */
  async takeProbe(): Promise<string | undefined> {
    const id = randomUUID();
    return (await this.#ask({ kind: "take-probe", id })) ? id : undefined;
  }

  /** Ends a probe. Where the store cannot be told, its lease ends it. */
  async endProbe(id: string, verdict: ProbeVerdict, failure?: Failure): Promise<void> {
    await this.#ask({ kind: "end-probe", end: { id, verdict, failure } }).catch(() => {});
  }

  /**
   * Counts a call that has ended.
   *
   * @returns once the store knows, where it has to at once
   */
  count(generation: number, counted: Counted, failure?: Failure): Promise<void> | undefined {
    const { record, settings } = this;
    if (record === undefined) return undefined;
    if (generation !== record.generation) return this.#late(generation, failure);
    if (counted === "succeeded" && !settings.countsSuccesses) return undefined;
    this.#pending.add(this.now(), counted, settings, failure);
    if (counted === "succeeded") {
      if (record.stirredAt !== null) this.#tellLater(TELL_EVERY_MS);
      return undefined;
    }
    this.#suspect();
    return this.#report().then(() => {
      // A rate that has yet to settle: the store is asked again, whether or not another call comes.
      if (this.isSuspect) void this.settled();
    });
  }

  /** A call from before the last change of state: all it can do is to prolong the opening. */
  #late(generation: number, failure: Failure | undefined): Promise<void> | undefined {
    if (failure?.retry === undefined) return undefined;
    return this.#ask({ kind: "report", report: { generation, buckets: [], failure } }).then(
      () => {},
      () => {},
    );
  }

  /** Resolves once the store has said whether the circuit is open, or cannot be asked. */
  settled(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #settle(): Promise<void> {
    const { clock } = this.#input;
    for (let round = 0; this.isSuspect && round < MOST_ROUNDS; round++) {
      await this.#report();
      const left = (this.record?.stirredAt ?? 0) + SETTLE_MS - this.now();
      if (!this.isSuspect) return;
      await new Promise<void>(
        (resolve) => void clock.setTimeout(resolve, Math.min(SETTLE_MS, Math.max(1, left))),
      );
    }
    this.isSuspect = false;
  }

  /** Takes over what the store says, unless something newer is known. */
  adopt(record: CircuitRecord | undefined): void {
    const before = this.record;
    if (record === undefined) {
      this.#adoptNone(before);
      return;
    }
    if (before !== undefined && record.version <= before.version) return;
    this.record = record;
    if (before?.generation !== record.generation) this.#pending.take();
    this.#suspect();
    if (
      record.stirredAt !== null &&
      before?.stirredAt !== record.stirredAt &&
      !this.#pending.isEmpty
    )
      this.#tellLater(Math.random() * (TELL_EVERY_MS / 2));
    this.#input.listener.onRecord(this, before);
  }

  /** The store knows nothing of the circuit: nothing ever happened, or it has lost its data and gets it back. */
  #adoptNone(before: CircuitRecord | undefined): void {
    if (before === undefined) {
      this.record = { ...initialRecord(this.now()), version: 0 };
      this.#input.listener.onRecord(this, undefined);
    } else if (before.version > 0) void this.#report();
  }

  #tally(): Tally {
    const { record, settings } = this;
    const counted = this.#pending.tally;
    if (record === undefined) return counted;
    return plus(tallyOf(currentWindow(record.window, settings, this.now())), counted);
  }

  #suspect(): void {
    this.isSuspect =
      this.record?.state === "closed" && excessOf(this.#tally(), this.settings) !== undefined;
  }

  #tellLater(ms: number): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#input.clock.setTimeout(() => {
      this.#telling = false;
      const { record, settings } = this;
      const isStirred =
        record !== undefined && !isCalm(currentWindow(record.window, settings, this.now()));
      if (isStirred && !this.#pending.isEmpty) void this.#report();
    }, ms);
  }

  /** Tells the store what was counted. Never rejects: what cannot be told is lost, and calls go on. */
  #report(): Promise<void> {
    return this.#ask("report").then(
      () => {},
      () => {
        this.isSuspect = false;
      },
    );
  }

  async #flush(items: readonly (Operation | "report")[]): Promise<readonly boolean[]> {
    const { store, storeClock, timeoutMs, listener } = this.#input;
    const operations: Operation[] = items.map((item) =>
      item === "report"
        ? { kind: "report", report: { generation: this.generation, ...this.#pending.take() } }
        : item,
    );
    const { record, settings, name } = this;
    const known = record !== undefined && record.version > 0 ? record : undefined;
    const answered = storeClock.ask();
    const changing = store.change(name, (current, now) => {
      const outcome = operate(name, operations, settings, { current, known }, now);
      return {
        record: outcome.record === current ? undefined : outcome.record,
        transitions: outcome.transitions,
        announce: outcome.announce,
        value: outcome,
      };
    });
    try {
      const late = () =>
        new BreakerStoreError(`${store.name} did not answer within ${timeoutMs} ms`);
      const { value, now } = await settleWithin(changing, timeoutMs, late);
      answered(now);
      this.adopt(value.record);
      for (const transition of value.transitions) listener.onTransition(transition);
      return value.granted;
    } catch (error) {
      listener.onError(`could not tell ${store.name} of circuit ${name}`, error);
      void changing.then(
        ({ value }) => this.#returnLate(value.record, operations),
        () => {},
      );
      throw error;
    }
  }

  /** Probes that were granted after nobody waited for them any more. */
  #returnLate(record: CircuitRecord, operations: readonly Operation[]): void {
    for (const operation of operations)
      if (operation.kind === "take-probe" && holdsProbe(record, operation.id))
        void this.endProbe(operation.id, "returned");
  }
}
