import { randomUUID } from "node:crypto";
import {
  type Clock,
  type Job,
  messageOf,
  notify,
  type PluginHost,
  type RunInput,
} from "@oppulence/worker-core";
import {
  CANCEL_CHANNEL,
  type CancelAnswer,
  type CancelRequest,
  type Claim,
  encodeAnswer,
  encodeRequest,
  sendableReason,
} from "./cancel-message.ts";
import { JobCancelledError } from "./errors.ts";
import { Remembered } from "./remembered.ts";

/** What {@link Cancels} needs of its host. */
type CancelHost = Pick<PluginHost, "engine" | "query" | "logger" | "running">;

/** What {@link Cancels} needs. */
export interface CancelsInput {
  readonly host: CancelHost;
  /** Times the wait for answers: they are other processes', so it is the machine's. */
  readonly clock: Clock;
  /** How long the answers of other processes are waited for. */
  readonly timeoutMs: number;
  /** Runs `body` while answers are heard: on the worker's own connection, or on one for this call. */
  readonly whileListening: <T>(body: () => Promise<T>) => Promise<T>;
}

/** A request of this process that waits for answers. */
interface Waiting {
  readonly left: Set<string>;
  readonly told: string[];
  readonly done: () => void;
}

/** Rows that one look at the database reads. */
const PAGE = 1_000;

/** Cancels jobs that run: those of this process through their signals, others through their process. */
export class Cancels {
  readonly #input: CancelsInput;
  readonly #pools = new Set<string>();
  readonly #cancelled = new WeakMap<Job, string>();
  readonly #remembered = new Remembered();
  readonly #waiting = new Map<string, Waiting>();
  /** Whether any job was ever cancelled here: until then, jobs that start look nothing up. */
  #isUsed = false;

  constructor(input: CancelsInput) {
    this.#input = input;
  }

  /** A pool of the engine in this process: what it holds is ours to cancel. */
  addPool(pool: string): void {
    this.#pools.add(pool);
  }

  /** The pool holds nothing any more. */
  removePool(pool: string): void {
    this.#pools.delete(pool);
    this.#remembered.forgetPool(pool);
  }

  /** Why this claim was cancelled while its job ran; undefined when it was not. */
  reasonOf(job: Job): string | undefined {
    return this.#cancelled.get(job);
  }

  /** Why a claim that is about to start was cancelled before. On the hot path. */
  stopOf(job: Job): string | undefined {
    if (!this.#isUsed) return undefined;
    return this.#cancelled.get(job) ?? this.#remembered.take(job);
  }

  /**
   * Cancels jobs, wherever they run.
   *
   * @param ids - job ids, checked
   * @returns the ids whose run was told, in the order given; the others do not run, or their process gave no
   * answer in time
   */
  async cancel(ids: readonly string[], reason: string): Promise<string[]> {
    const unique = [...new Set(ids)];
    const claims = await this.#claimsOf(unique);
    const why = sendableReason(reason);
    const { told, foreign } = await this.#cancelOwn(claims, why);
    const elsewhere = foreign.length === 0 ? [] : await this.#cancelElsewhere(foreign, why);
    const all = new Set([...told, ...elsewhere]);
    return unique.filter((id) => all.has(id));
  }

  /** Acts on what came by the channel. */
  receive(message: CancelRequest | CancelAnswer): void {
    if (message.kind === "answer") this.#answered(message);
    else void this.#serve(message);
  }

  async #serve({ request, reason, claims }: CancelRequest): Promise<void> {
    const { host } = this.#input;
    try {
      const { told, missed } = await this.#cancelOwn(claims, reason);
      if (told.length + missed.length === 0) return;
      const answer = encodeAnswer({ kind: "answer", request, told, missed });
      await notify(host.query, CANCEL_CHANNEL, answer);
    } catch (error) {
      host.logger.warn(`could not answer who was cancelled: ${messageOf(error)}`, { error });
    }
  }

  #answered({ request, told, missed }: CancelAnswer): void {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) return;
    for (const id of told) if (waiting.left.delete(id)) waiting.told.push(id);
    for (const id of missed) waiting.left.delete(id);
    if (waiting.left.size === 0) waiting.done();
  }

  /** Cancels those claims that this process holds. */
  async #cancelOwn(claims: readonly Claim[], reason: string) {
    const running = new Map<string, RunInput>();
    for (const run of this.#input.host.running()) running.set(run.job.id, run);
    const told: string[] = [];
    const claimed: Claim[] = [];
    const foreign: Claim[] = [];
    for (const claim of claims) {
      const run = running.get(claim.id);
      if (run !== undefined) {
        this.#abort(run, reason);
        told.push(claim.id);
      } else if (this.#pools.has(claim.pool)) claimed.push(claim);
      else foreign.push(claim);
    }
    const missed: string[] = [];
    if (claimed.length > 0) await this.#remember(claimed, reason, told, missed);
    return { told, missed, foreign };
  }

  #abort(run: RunInput, reason: string): void {
    const { job } = run;
    this.#isUsed = true;
    if (!this.#cancelled.has(job)) this.#cancelled.set(job, reason);
    run.abort(new JobCancelledError(job.id, reason));
  }

  /**
   * Claims that do not run yet wait in the engine's local queue, and are stopped when they start; or they
   * have ended since, which only the database can tell.
   */
  async #remember(
    claims: readonly Claim[],
    reason: string,
    told: string[],
    missed: string[],
  ): Promise<void> {
    this.#isUsed = true;
    // Before the look at the database, during which it may start.
    for (const claim of claims) this.#remembered.add(claim, reason);
    const now = await this.#claimsOf(claims.map(({ id }) => id));
    const held = new Set(now.filter(({ pool }) => this.#pools.has(pool)).map(({ id }) => id));
    for (const claim of claims) {
      if (held.has(claim.id)) told.push(claim.id);
      // No longer there: it started meanwhile, and was stopped.
      else if (!this.#remembered.forget(claim)) told.push(claim.id);
      else missed.push(claim.id);
    }
  }

  async #cancelElsewhere(claims: readonly Claim[], reason: string): Promise<readonly string[]> {
    const { host, clock, timeoutMs, whileListening } = this.#input;
    const request = randomUUID();
    return whileListening(async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiting = { left: new Set(claims.map(({ id }) => id)), told: [], done: resolve };
      this.#waiting.set(request, waiting);
      const timer = clock.setTimeout(resolve, timeoutMs);
      try {
        const told = encodeRequest({ kind: "cancel", request, reason, claims });
        await notify(host.query, CANCEL_CHANNEL, told);
        await promise;
      } finally {
        clock.clearTimeout(timer);
        this.#waiting.delete(request);
      }
      return waiting.told;
    });
  }

  async #claimsOf(ids: readonly string[]): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      const records = await this.#input.host.engine.peek({
        ids: page,
        states: ["running"],
        limit: page.length,
      });
      for (const { job } of records) claims.push(claimOf(job));
    }
    return claims;
  }
}

/** The claim that a job's row tells of. */
function claimOf({ id, locked_by: pool, locked_at: at }: Job): Claim {
  return { id, pool: pool ?? "", lockedAtMs: at?.getTime() ?? 0 };
}
