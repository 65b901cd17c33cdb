import { randomUUID } from "node:crypto";
import { type Clock, type Duration, didYouMean, parseDuration } from "@oppulence/worker-core";
import type { Admission } from "./admission.ts";
import type { Asks, Group, Use } from "./asks.ts";
import { describeWait } from "./describe.ts";
import { AcquireTimeoutError, RateLimitedError } from "./errors.ts";
import { readKey } from "./key.ts";
import type { RateLimitMetrics } from "./metrics.ts";
import type { Registry } from "./registry.ts";
import type { AdmitAnswer, RateLimitStore } from "./store.ts";
import type { StoreWatch } from "./store-watch.ts";
import type { Callers } from "./turns.ts";
import { readUnits } from "./units.ts";

/** How to acquire. */
export interface AcquireOptions {
  /** For a limiter with keys. @defaultValue `""` */
  readonly key?: string | number | bigint | boolean | undefined;
  /** How much the call weighs against rates. @defaultValue 1 */
  readonly units?: number | undefined;
  /** How long to wait; 0 not at all. @defaultValue `"30s"` */
  readonly timeout?: Duration | undefined;
  /** Ends the waiting; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** What a caller outside jobs runs with. */
export interface Acquired extends Disposable {
  /** Gives places back; a rate's units stay spent. Safe to call again. */
  release(): void;
}

/** What {@link Calls} needs. */
export interface CallsInput {
  readonly asks: Asks;
  readonly admission: Admission;
  readonly registry: Registry;
  readonly store: Pick<RateLimitStore, "leave">;
  readonly watch: StoreWatch;
  readonly clock: Clock;
  readonly metrics: RateLimitMetrics;
  readonly onHeldBack: (use: Use) => void;
  /** Before the first call of a client: it begins to listen. */
  readonly open: () => Promise<void>;
  readonly onTurns: (turns: Awaited<ReturnType<RateLimitStore["leave"]>>) => void;
}

const TIMEOUT: Duration = "30s";
/** A caller that was not told of its turn, or whose turn cannot be foreseen, asks again after so long. */
const ASK_AGAIN_MS = 2_000;
/** A turn is told in milliseconds. */
const LATE_MS = 1;

/** Calls outside jobs, such as a web server's, under the same limits. */
export class Calls implements Callers {
  readonly #input: CallsInput;
  readonly #waiting = new Map<string, () => void>();

  constructor(input: CallsInput) {
    this.#input = input;
  }

  wake(id: string): boolean {
    const wake = this.#waiting.get(id);
    wake?.();
    return wake !== undefined;
  }

  /**
   * Waits until a limiter lets the call go.
   *
   * @throws UnknownLimiterError, RateLimitKeyError, RateLimitUnitsError, InvalidLimitsError, RateLimitedError,
   * AcquireTimeoutError, LimitStoreError, the signal's reason; nothing is held then
   */
  async acquire(limiter: string, options: AcquireOptions = {}): Promise<Acquired> {
    const { units = 1, timeout = TIMEOUT, signal, key = "" } = options;
    signal?.throwIfAborted();
    const timeoutMs = parseDuration(timeout, "timeout");
    const { asks, registry, open } = this.#input;
    const hint = () => didYouMean(limiter, registry.definitions.keys());
    const group = asks.ofCall(
      limiter,
      key === "" ? "" : readKey(limiter, key),
      readUnits(limiter, units),
      hint,
    );
    await open();
    const id = `call:${randomUUID()}`;
    const isHeld = await this.#pass(id, group, timeoutMs, signal);
    let release = () => {
      release = () => {};
      if (isHeld && group.hasPlaces) void this.#input.admission.release(id);
    };
    return { release: () => release(), [Symbol.dispose]: () => release() };
  }

  /** @returns whether the store knows of it */
  async #pass(
    id: string,
    group: Group,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { clock, metrics, onHeldBack } = this.#input;
    const deadline = clock.now() + timeoutMs;
    let isInLine = false;
    try {
      for (;;) {
        const answer = await this.#ask(id, group, Math.max(0, deadline - clock.now()), isInLine);
        if (answer === undefined) return false;
        if (answer.kind === "admitted") {
          isInLine = false;
          const [use] = group.uses;
          if (answer.waitedMs !== undefined && use !== undefined)
            metrics.wait.record(answer.waitedMs / 1_000, { limiter: use.limiter });
          return true;
        }
        const use = group.uses[answer.demand] as Use;
        if (!isInLine) onHeldBack(use);
        if (answer.kind === "refused") throw refusal(group, answer);
        isInLine = true;
        await this.#turn(id, answer.inMs, deadline, signal);
        signal?.throwIfAborted();
        if (clock.now() >= deadline) throw new AcquireTimeoutError(use, timeoutMs);
      }
    } finally {
      if (isInLine) await this.#leave(id);
    }
  }

  /** @returns undefined when it goes without being counted */
  async #ask(
    id: string,
    group: Group,
    maxWaitMs: number,
    isInLine: boolean,
  ): Promise<AdmitAnswer | undefined> {
    const { admission, watch, metrics } = this.#input;
    const isDry = group.uses.every(({ definition }) => definition.mode === "dryRun");
    try {
      const isPeek = isDry || (maxWaitMs === 0 && !isInLine);
      const answer = await admission.admit({ id, group, isPeek, maxWaitMs });
      if (!isDry || answer.kind === "admitted") return answer;
      const { limiter } = group.uses[answer.demand] as Use;
      metrics.dryRuns.add(1, { task: "", limiter, decision: "defer" });
      return undefined;
    } catch (error) {
      watch.report("store", "the store does not answer a call", error);
      if (isDry || group.uses.every(({ definition }) => definition.onError === "open"))
        return undefined;
      throw error;
    }
  }

  /** Resolves when it is the call's turn, it has waited long enough, or it is to end. */
  #turn(
    id: string,
    inMs: number | undefined,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { clock } = this.#input;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        this.#waiting.delete(id);
        resolve();
      };
      const left = Math.max(0, deadline - clock.now());
      const timer = clock.setTimeout(end, Math.min(left, (inMs ?? ASK_AGAIN_MS) + LATE_MS));
      signal?.addEventListener("abort", end, { once: true });
      this.#waiting.set(id, end);
    });
  }

  async #leave(id: string): Promise<void> {
    const { store, watch, onTurns } = this.#input;
    try {
      onTurns(await store.leave([id]));
    } catch (error) {
      watch.report("store", "a call could not leave its line; it is taken out of it later", error);
    }
  }
}

function refusal(
  { uses, demands }: Group,
  { demand, inMs }: Extract<AdmitAnswer, { kind: "refused" }>,
): RateLimitedError {
  const bucket = demands[demand]?.bucket;
  const message = bucket === undefined ? "over the limit" : describeWait(bucket, inMs);
  return new RateLimitedError(message, uses[demand] as Use, inMs);
}
