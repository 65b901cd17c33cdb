import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type Clock, type Engine, parseDuration } from "@oppulence/worker-core";
import type { Circuit } from "./circuit.ts";
import { describeBlock } from "./describe.ts";
import { freeProbes } from "./probes.ts";
import { type CircuitRecord, isBlocking } from "./record.ts";
import type { BreakerStore } from "./store.ts";

/** What {@link Parking} needs. */
export interface ParkingInput {
  readonly engine: Pick<Engine, "hold" | "release">;
  readonly store: BreakerStore;
  readonly clock: Clock;
  /** Tasks of this worker that wait for the dependency. */
  readonly tasksOf: (dependency: string) => readonly string[];
  readonly ramp: { readonly first: number; readonly everyMs: number };
  readonly onError: (message: string, error: unknown) => void;
}

/**
 * Should nobody be left to bring them back, parked jobs come back by themselves: after half a day to a day. Ends are
 * the same for all processes, by the store's clock, so that whoever leads next does not move again what is parked
 * already; they are moved on twice a day.
 */
const PARKED_FOR_MS = parseDuration("1d", "");
const ENDS_EVERY_MS = PARKED_FOR_MS / 2;
/** A lead that ends by itself when its process has died. */
const LEASE_MS = 5_000;
/**
 * Between two looks for jobs that came since: soon after the opening, when jobs that were claimed come back, then less
 * often, and longer where a look takes long, as it reads what is parked.
 */
const PARK_FIRST_MS = 500;
const PARK_EVERY_MS = 3_000;
const PARK_SHARE = 50;
/** Between two releases of jobs for probes that nobody has taken. */
const PROBE_EVERY_MS = 1_000;
/** From here on a ramp's step is all there is. */
const MOST_PER_STEP = 10_000;

/** How one circuit's parked jobs stand, as the process sees it that leads. */
interface Lot {
  readonly circuit: Circuit;
  timer: unknown;
  turn: Promise<void> | undefined;
  /** This process leads, as far as it knows. */
  leads: boolean;
  /** A turn was asked for while one was under way. */
  again: boolean;
  /** Of the parking that is under way: when to look for more. */
  parkAt: number;
  parkEveryMs: number;
  probeAt: number;
  /** Jobs of the ramp's next step. */
  step: number;
}

/**
 * Parks the waiting jobs of an open circuit, releases as many as there are probes, and brings all of them back once
 * it has closed: in order, by a ramp. One process at a time leads each circuit's.
 */
export class Parking {
  readonly #input: ParkingInput;
  /** For people who look at who leads, and unique. */
  readonly #owner = `${hostname()}:${process.pid}:${randomUUID()}`;
  readonly #lots = new Map<string, Lot>();
  #isStopped = false;

  constructor(input: ParkingInput) {
    this.#input = input;
  }

  /** Takes part, also once more after a stop. */
  start(): void {
    this.#isStopped = false;
  }

  /** The circuit has changed, or has been heard of for the first time. */
  wake(circuit: Circuit): void {
    const { record } = circuit;
    if (this.#isStopped || record === undefined || !this.#concerns(circuit, record)) return;
    let lot = this.#lots.get(circuit.name);
    if (lot === undefined) {
      const { first } = this.#input.ramp;
      lot = {
        circuit,
        timer: undefined,
        turn: undefined,
        leads: false,
        again: false,
        parkAt: 0,
        parkEveryMs: PARK_FIRST_MS,
        probeAt: 0,
        step: first,
      };
      this.#lots.set(circuit.name, lot);
    }
    this.#run(lot);
  }

  /** Lets others lead. Resolves once nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const { clock, store } = this.#input;
    for (const [name, lot] of this.#lots) {
      clock.clearTimeout(lot.timer);
      await lot.turn;
      if (lot.leads) await store.resign(name, this.#owner).catch(() => {});
    }
    this.#lots.clear();
  }

  #concerns({ name, settings }: Circuit, record: CircuitRecord): boolean {
    if (record.parked) return true;
    return settings.enabled && isBlocking(record.state) && this.#input.tasksOf(name).length > 0;
  }

  #run(lot: Lot): void {
    if (lot.turn !== undefined) {
      lot.again = true;
      return;
    }
    this.#input.clock.clearTimeout(lot.timer);
    lot.turn = this.#turn(lot)
      .catch((error: unknown) => {
        this.#input.onError(`could not park or release jobs of circuit ${lot.circuit.name}`, error);
        return PROBE_EVERY_MS;
      })
      .then((waitMs) => {
        lot.turn = undefined;
        if (this.#isStopped) return;
        if (lot.again) {
          lot.again = false;
          this.#run(lot);
        } else if (waitMs !== undefined) this.#runLater(lot, waitMs);
        else this.#lots.delete(lot.circuit.name);
      });
  }

  #runLater(lot: Lot, waitMs: number): void {
    lot.timer = this.#input.clock.setTimeout(() => this.#run(lot), waitMs);
  }

  /** @returns when to come again; undefined when there is nothing left to do */
  async #turn(lot: Lot): Promise<number | undefined> {
    const { circuit } = lot;
    const { record } = circuit;
    if (record === undefined || !this.#concerns(circuit, record)) return this.#finish(lot);
    const { leads, leftMs } = await this.#input.store.lead(circuit.name, this.#owner, LEASE_MS);
    lot.leads = leads;
    // Whoever leads may die: then the next one goes on.
    if (!leads) return leftMs + 50 + Math.random() * 200;
    return this.#whileLeading(circuit.name, () =>
      circuit.settings.enabled && isBlocking(record.state)
        ? this.#hold(lot, record)
        : this.#ramp(lot, record),
    );
  }

  /** Prolongs the lead meanwhile: to move a large backlog takes longer than the lease. */
  async #whileLeading<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { clock, store } = this.#input;
    const prolong = () => {
      void store.lead(name, this.#owner, LEASE_MS).catch(() => {});
      timer = clock.setTimeout(prolong, LEASE_MS / 2);
    };
    let timer = clock.setTimeout(prolong, LEASE_MS / 2);
    try {
      return await work();
    } finally {
      clock.clearTimeout(timer);
    }
  }

  async #finish({ circuit, leads }: Lot): Promise<undefined> {
    if (leads) await this.#input.store.resign(circuit.name, this.#owner);
    return undefined;
  }

  async #hold(lot: Lot, record: CircuitRecord): Promise<number> {
    const { circuit } = lot;
    const { clock, ramp } = this.#input;
    lot.step = ramp.first;
    if (clock.now() >= lot.parkAt) await this.#park(lot, record);
    const now = circuit.now();
    if (record.probeAt !== null && record.probeAt > now)
      return Math.min(record.probeAt - now, this.#restMs(lot));
    if (record.state !== "forced-open" && clock.now() >= lot.probeAt)
      await this.#releaseProbes(lot);
    return record.state === "forced-open" ? this.#restMs(lot) : PROBE_EVERY_MS;
  }

  /** Until jobs are looked for again, or the lead has to be prolonged. */
  #restMs(lot: Lot): number {
    const untilParkMs = lot.parkAt - this.#input.clock.now();
    return Math.max(10, Math.min(LEASE_MS / 2, untilParkMs));
  }

  /** Parks what waits. That jobs may be parked is stored before the first one is, so that no crash can lose them. */
  async #park(lot: Lot, record: CircuitRecord): Promise<void> {
    const { engine, clock, tasksOf } = this.#input;
    const { circuit } = lot;
    const tasks = [...new Set([...record.tasks, ...tasksOf(circuit.name)])];
    const wasParked = record.parked;
    if (!wasParked || tasks.length > record.tasks.length)
      await circuit.do({ kind: "park", tasks, parked: true });
    const startedAt = clock.now();
    const count = await engine.hold({ tasks }, parkedUntil(circuit.now()), {
      plugin: "breaker",
      code: "CIRCUIT_OPEN",
      message: describeBlock(circuit.name, record),
    });
    const tookMs = clock.now() - startedAt;
    lot.parkAt = clock.now() + Math.max(lot.parkEveryMs, tookMs * PARK_SHARE);
    lot.parkEveryMs = Math.min(PARK_EVERY_MS, lot.parkEveryMs * 2);
    if (count === 0 && !wasParked) await circuit.do({ kind: "park", tasks: [], parked: false });
  }

  /** Brings back as many jobs as there are probes to take. */
  async #releaseProbes(lot: Lot): Promise<void> {
    const { engine, clock } = this.#input;
    const { circuit } = lot;
    const { record } = circuit;
    if (record === undefined || !record.parked) return;
    const free = freeProbes(record, circuit.settings, circuit.now());
    if (free === 0) return;
    await engine.release("breaker", { tasks: record.tasks }, free);
    lot.probeAt = clock.now() + PROBE_EVERY_MS;
  }

  /** Those that were deferred, and not parked yet: they come back with the others, in order. */
  async #holdRest({ circuit }: Lot, { tasks }: CircuitRecord): Promise<void> {
    await this.#input.engine.hold({ tasks }, parkedUntil(circuit.now()), {
      plugin: "breaker",
      code: "CIRCUIT_RAMP",
      message: `dependency ${JSON.stringify(circuit.name)} is back; its jobs come back step by step`,
    });
  }

  /** One step: twice as many jobs as the one before. A step that finds fewer is the last. */
  async #ramp(lot: Lot, record: CircuitRecord): Promise<number | undefined> {
    const { engine, ramp } = this.#input;
    lot.parkAt = 0;
    lot.parkEveryMs = PARK_FIRST_MS;
    if (lot.step === ramp.first) await this.#holdRest(lot, record);
    const limit = lot.step >= MOST_PER_STEP ? undefined : lot.step;
    const count = await engine.release("breaker", { tasks: record.tasks }, limit);
    if (limit !== undefined && count >= limit) {
      lot.step *= 2;
      return ramp.everyMs;
    }
    lot.step = ramp.first;
    // Unless it has opened again meanwhile: then they are parked once more.
    if (lot.circuit.record?.generation === record.generation)
      await lot.circuit.do({ kind: "park", tasks: [], parked: false });
    return ramp.everyMs;
  }
}

function parkedUntil(now: number): Date {
  return new Date((Math.floor(now / ENDS_EVERY_MS) + 2) * ENDS_EVERY_MS);
}
