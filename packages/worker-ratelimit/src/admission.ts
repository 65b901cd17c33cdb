import { type Batched, type Clock, createBatcher, settleWithin } from "@oppulence/worker-core";
import type { Group } from "./asks.ts";
import { LimitStoreError } from "./errors.ts";
import { Leases } from "./leases.ts";
import type {
  AdmitAnswer,
  AdmitRequest,
  Admitted,
  Bucket,
  RateLimitStore,
  Refund,
  Started,
  Turn,
} from "./store.ts";
import type { StoreWatch } from "./store-watch.ts";

/** What {@link Admission} needs. */
export interface AdmissionInput {
  readonly store: RateLimitStore;
  readonly clock: Clock;
  /** This process, for its places. */
  readonly holder: string;
  /** How long an answer of the store is waited for. */
  readonly timeoutMs: number;
  readonly watch: Pick<StoreWatch, "assertThere" | "answered" | "failed">;
  readonly onTurns: (turns: readonly Turn[]) => void;
  readonly onError: (message: string, error: unknown) => void;
}

/** One who wants to start. */
export interface Wish {
  /** The job's id, or a caller's own. */
  readonly id: string;
  readonly group: Pick<Group, "demands" | "hasPlaces">;
  readonly isPeek: boolean;
  readonly maxWaitMs: number;
}

const ADMITTED: AdmitAnswer = { kind: "admitted", leases: [] };
/** Those that used a lease are told with the next request, or after so long. */
const TELL_AFTER_MS = 50;

/** Asks the store, many at once; and does not ask where a lease says enough. */
export class Admission {
  readonly #input: AdmissionInput;
  readonly #leases: Leases;
  readonly #ask: Batched<AdmitRequest, AdmitAnswer>;
  readonly #release: Batched<string, undefined>;
  readonly #refund: Batched<Refund, undefined>;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Ids of those that run here with places. */
  readonly #holding = new Set<string>();
  #started: Started[] = [];
  #timer: unknown;

  constructor(input: AdmissionInput) {
    this.#input = input;
    this.#ask = createBatcher((requests) => this.#admit(requests), 200);
    this.#release = createBatcher((ids) => this.#giveBack(ids));
    this.#refund = createBatcher(async (refunds) => {
      await this.#bounded(input.store.refund(refunds));
      return refunds.map(() => undefined);
    });
    this.#leases = new Leases({
      clock: input.clock,
      onUnused: (refund) =>
        void this.#track(this.#refund(refund), "could not give unused units back"),
      onLow: (bucket, units) => void this.#track(this.#lease(bucket, units), "could not ask ahead"),
    });
  }

  /**
   * Asks for one. No promise where leases cover it.
   *
   * @throws LimitStoreError and what the store throws; nothing is known then
   */
  admit({ id, group, isPeek, maxWaitMs }: Wish): AdmitAnswer | Promise<AdmitAnswer> {
    const { demands, hasPlaces } = group;
    if (hasPlaces) return this.#askStore({ id, demands, isPeek, maxWaitMs });
    const used = this.#leases.use(id, demands);
    if (used === undefined) {
      const withLeases = demands.map((each) => ({ ...each, lease: this.#leases.wanted(each) }));
      return this.#askStore({ id, demands: isPeek ? demands : withLeases, isPeek, maxWaitMs });
    }
    if (used.waitedMs === undefined) return ADMITTED;
    this.#tellLater(used.started);
    return { kind: "admitted", leases: [], waitedMs: used.waitedMs };
  }

  #askStore(request: AdmitRequest): Promise<AdmitAnswer> {
    this.#input.watch.assertThere();
    return this.#ask(request);
  }

  /** The run has ended, or will not be: its places are free once this resolves. Never rejects. */
  release(id: string): Promise<void> {
    this.#holding.delete(id);
    return this.#track(this.#release(id), "could not give places back; they end by themselves");
  }

  /** It was admitted and does not start after all. */
  rollback(id: string, { demands, hasPlaces }: Wish["group"]): Promise<void> | undefined {
    for (const demand of demands) this.#leases.putBack(demand);
    return hasPlaces ? this.release(id) : undefined;
  }

  /** Has the store ready for the first job: its connection, and the plans of what it runs. Never rejects. */
  warmUp(): Promise<void> {
    return this.#track(this.#admit([]), "could not ask the store");
  }

  /** Gives back what is unused and waits for what is under way. */
  async stop(): Promise<void> {
    this.#leases.stop();
    this.#input.clock.clearTimeout(this.#timer);
    if (this.#started.length > 0) void this.#track(this.#tell(), "could not tell who has started");
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #admit(requests: readonly AdmitRequest[]): Promise<readonly AdmitAnswer[]> {
    const { store, holder, clock } = this.#input;
    const started = this.#started;
    this.#started = [];
    const askedAt = clock.now();
    const asked = store.admit(holder, requests, started);
    let admitted: Admitted;
    try {
      admitted = await this.#bounded(asked);
    } catch (error) {
      this.#started.push(...started);
      this.#undoLater(asked, requests);
      throw error;
    }
    this.#input.onTurns(admitted.turns);
    for (const [index, answer] of admitted.answers.entries())
      if (answer.kind === "admitted") this.#keep(requests[index], answer, askedAt);
    return admitted.answers;
  }

  /** For nobody yet. */
  async #lease(bucket: Bucket, units: number): Promise<void> {
    const demands = [{ bucket, units: 0, lease: units }];
    await this.#ask({ id: "lease", demands, isPeek: true, maxWaitMs: 0 });
  }

  /** An answer that comes too late: nobody runs with the places that it grants. */
  #undoLater(asked: Promise<Admitted>, requests: readonly AdmitRequest[]): void {
    asked.then(
      ({ answers, turns }) => {
        this.#input.onTurns(turns);
        for (const [index, { kind }] of answers.entries()) {
          const id = requests[index]?.id;
          if (kind === "admitted" && id !== undefined && !this.#holding.has(id))
            void this.release(id);
        }
      },
      () => {},
    );
  }

  #keep(
    request: AdmitRequest | undefined,
    { leases }: Extract<AdmitAnswer, { kind: "admitted" }>,
    askedAt: number,
  ): void {
    if (request?.demands.some(({ bucket }) => bucket.rule.kind === "places"))
      this.#holding.add(request.id);
    for (const lease of leases) {
      const bucket = request?.demands[lease.demand]?.bucket;
      if (bucket !== undefined && lease.units > 0) this.#leases.add(bucket, lease, askedAt);
    }
  }

  async #giveBack(ids: readonly string[]): Promise<undefined[]> {
    const { store, holder, onTurns } = this.#input;
    onTurns(await this.#bounded(store.release(holder, ids)));
    return ids.map(() => undefined);
  }

  #tellLater(started: readonly Started[]): void {
    this.#started.push(...started);
    this.#timer ??= this.#input.clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#started.length > 0)
        void this.#track(this.#tell(), "could not tell who has started");
    }, TELL_AFTER_MS);
  }

  #tell(): Promise<unknown> {
    return this.#admit([]);
  }

  #track(work: Promise<unknown>, message: string): Promise<void> {
    const settled = work
      .then(
        () => {},
        (error: unknown) => this.#input.onError(message, error),
      )
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
    return settled;
  }

  async #bounded<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs, watch } = this.#input;
    const late = () => new LimitStoreError(`the store did not answer within ${timeoutMs} ms`);
    try {
      const answer = await settleWithin(work, timeoutMs, late);
      watch.answered();
      return answer;
    } catch (error) {
      watch.failed(error);
      throw error;
    }
  }
}
