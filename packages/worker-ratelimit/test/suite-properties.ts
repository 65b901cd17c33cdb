import fc from "fast-check";
import { expect, it } from "vitest";
import type { AdmitAnswer, Bucket, RateLimitStore } from "../src/store.ts";
import {
  ask,
  ids,
  kind,
  of,
  pause,
  peek,
  places,
  rate,
  SLOW,
  type Start,
  type StoreFixture,
  wish,
} from "./store-fixture.ts";

const step = fc.record({
  units: fc.integer({ min: 1, max: 8 }),
  lease: fc.integer({ min: 0, max: 12 }),
  /** Share of the lease that is used; the rest is given back. */
  used: fc.double({ min: 0, max: 1, noNaN: true }),
  /** How many steps later it is given back. */
  later: fc.constantFrom(0, 0, 0, 1, 3),
});

/**
 * A bucket that nothing comes back to in time. What is given back after others were charged may be lost, in part: so
 * there are two counts, and a store is between them; they are the same while nothing came late.
 */
class Counter {
  readonly #burst: number;
  #least = 0;
  #most = 0;
  #refunds: { units: number; grantedAt: number; at: number; charges: number }[] = [];
  #charges = 0;

  constructor(burst: number) {
    this.#burst = burst;
  }

  expect(units: number, answer: AdmitAnswer["kind"]): void {
    if (this.#least + units > this.#burst) expect(answer).toBe("refused");
    if (this.#most + units <= this.#burst) expect(answer).toBe("admitted");
    if (answer === "admitted") this.#charge(units);
  }

  expectLease(wanted: number, units: number): void {
    expect(units).toBeLessThanOrEqual(Math.min(wanted, this.#burst - this.#least));
    expect(units).toBeGreaterThanOrEqual(Math.min(wanted, Math.max(0, this.#burst - this.#most)));
    if (units > 0) this.#charge(units);
  }

  giveBack(units: number, grantedAt: number, at: number): void {
    this.#refunds.push({ units, grantedAt, at, charges: this.#charges });
  }

  takeRefunds(at: number): readonly { units: number; grantedAt: number }[] {
    const due = this.#refunds.filter((refund) => refund.at === at);
    for (const { units, charges } of due) {
      this.#least -= units;
      if (charges === this.#charges) this.#most -= units;
    }
    return due;
  }

  #charge(units: number): void {
    this.#charges++;
    this.#least += units;
    this.#most += units;
  }
}

/** Against a counter in memory, and against the definition of a window. */
export function properties(start: Start, make: () => Promise<StoreFixture>): void {
  it("admits, leases and takes back exactly what a counter says", async () => {
    const store = await start();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        async (steps, burst) => {
          const bucket = rate("r", SLOW, burst, `${runs++}`);
          const oracle = new Counter(burst);
          for (const [at, { units, lease, used, later }] of steps.entries()) {
            for (const refund of oracle.takeRefunds(at))
              await store.refund([{ bucket, ...refund }]);
            const { answer } = await ask(store, peek(of(bucket, units, lease)));
            oracle.expect(units, answer.kind);
            if (answer.kind !== "admitted") continue;
            const [one] = answer.leases;
            oracle.expectLease(lease, one?.units ?? 0);
            const unused = Math.floor((one?.units ?? 0) * (1 - used));
            if (one !== undefined) oracle.giveBack(unused, one.grantedAt, at + 1 + later);
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it("has never more in a window than burst and rate allow, whenever leases are used", async () => {
    const fixture = await make();
    const stores = [fixture.open(), fixture.open(), fixture.open(), fixture.open()];
    const lanes = fc.array(fc.array(timedStep, { minLength: 5, maxLength: 12 }), {
      minLength: stores.length,
      maxLength: stores.length,
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(lanes, async (all) => {
        const bucket = rate("w", 500, 60, `${runs++}`);
        const starts = await Promise.all(
          all.map((steps, index) => startsOf(stores[index] as RateLimitStore, bucket, steps)),
        );
        expectWithin(starts.flat(), 500, 60);
      }),
      { numRuns: 10, endOnFailure: true },
    );
  }, 60_000);

  it("hands places on as a queue does", async () => {
    const store = await start();
    let runs = 0;
    const what = fc.oneof(
      fc.record({ kind: fc.constant("come" as const), pick: fc.nat(9) }),
      fc.record({ kind: fc.constantFrom("come again", "end", "leave"), pick: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(what, { maxLength: 25 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, capacity) => {
          const run = runs++;
          const bucket = places("q", capacity, `${run}`);
          const [running, promised, line]: [string[], string[], string[]] = [[], [], []];
          const handOver = () => {
            const next = line.splice(0, capacity - running.length - promised.length);
            promised.push(...next);
            return next;
          };
          for (const [at, { kind: action, pick }] of steps.entries()) {
            const waiting = [...promised, ...line];
            const known = (action === "end" ? running : waiting)[pick] ?? "";
            const id = action === "come" ? `${run}.${at}` : known;
            if (id === "") continue;
            if (action === "end") {
              running.splice(running.indexOf(id), 1);
              expect(ids(await store.release("me", [id]))).toEqual(handOver());
            } else if (action === "leave") {
              for (const list of [promised, line])
                if (list.includes(id)) list.splice(list.indexOf(id), 1);
              expect(ids(await store.leave([id]))).toEqual(handOver());
            } else {
              const isFree = running.length + promised.length < capacity && line.length === 0;
              const isIn = promised.includes(id) || (action === "come" && isFree);
              expect(await kind(store, wish(id, of(bucket)))).toBe(isIn ? "admitted" : "waiting");
              if (promised.includes(id)) promised.splice(promised.indexOf(id), 1);
              if (isIn) running.push(id);
              else if (action === "come") line.push(id);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
}

const timedStep = fc.record({
  units: fc.integer({ min: 1, max: 30 }),
  lease: fc.integer({ min: 0, max: 60 }),
  /** When, as a share of the lease's time, and how many of its units are used. */
  moment: fc.constantFrom(0, 0.5, 1),
  used: fc.constantFrom(0, 0.3, 1),
  pauseMs: fc.integer({ min: 0, max: 60 }),
});
type TimedStep = typeof timedStep extends fc.Arbitrary<infer T> ? T : never;

/** Units that started, and when at the earliest and at the latest. */
interface Started {
  readonly from: number;
  readonly to: number;
  readonly units: number;
}

/** Asks with pauses; leases are used at a moment of their time, and the rest is given back at their end. */
async function startsOf(store: RateLimitStore, bucket: Bucket, steps: readonly TimedStep[]) {
  const starts: Started[] = [];
  const refunds: Promise<void>[] = [];
  for (const { units, lease, moment, used, pauseMs } of steps) {
    const from = performance.now();
    const { answer } = await ask(store, peek(of(bucket, units, lease)));
    const to = performance.now();
    if (answer.kind === "admitted") {
      starts.push({ from, to, units });
      for (const { units: all, forMs, grantedAt } of answer.leases) {
        const taken = Math.round(all * used);
        const at = to + Math.max(0, from + forMs - to) * moment;
        if (to <= from + forMs) starts.push({ from: at, to: at, units: taken });
        const unused = { bucket, units: all - taken, grantedAt };
        refunds.push(pause(from + forMs - to).then(() => store.refund([unused])));
      }
    }
    await pause(pauseMs);
  }
  await Promise.all(refunds);
  return starts;
}

/** Each start is counted where it was within the window for certain. */
function expectWithin(starts: readonly Started[], perSecond: number, burst: number): void {
  for (const { from } of starts)
    for (const { to } of starts) {
      const within = starts.filter((start) => start.from >= from && start.to <= to);
      const units = within.reduce((sum, start) => sum + start.units, 0);
      if (to >= from) expect(units).toBeLessThanOrEqual(burst + (perSecond * (to - from)) / 1_000);
    }
}
