import {
  type Clock,
  defer,
  fail,
  messageOf,
  type Permit,
  proceed,
  type ReasonInput,
  type RunDecision,
  type RunInput,
  skip,
  type TaskInfo,
} from "@oppulence/worker-core";
import type { Admission } from "./admission.ts";
import type { Ask, Asks, Group, Use } from "./asks.ts";
import { describeWait } from "./describe.ts";
import { isHopeless } from "./errors.ts";
import type { RateLimitMetrics } from "./metrics.ts";
import { parkedForMs } from "./parked.ts";
import type { AdmitAnswer, Bucket } from "./store.ts";
import type { StoreWatch } from "./store-watch.ts";

/** What {@link RunHook} needs. */
export interface RunHookInput {
  readonly asks: Asks;
  readonly admission: Admission;
  readonly watch: StoreWatch;
  readonly clock: Clock;
  /** Jobs that may run at once in this process. */
  readonly concurrency: () => number;
  readonly metrics: RateLimitMetrics;
  /** A limiter held a job back. */
  readonly onHeldBack: (use: Use) => void;
  /** A job was sent to a line. */
  readonly onLine: (task: TaskInfo, bucket: Bucket) => void;
  /** From 0 to 1. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/** The store does not answer. */
type Away = { readonly kind: "away"; readonly error: unknown };
type Answer = AdmitAnswer | Away;
type NotAdmitted = Exclude<AdmitAnswer, { kind: "admitted" }>;

/** A deferral takes about so long, and another fetch: a turn that comes sooner is waited for in the slot. */
const SHORT_WAIT_MS = 20;
const MOST_SHORT_WAITS = 3;
const SHARE_OF_SLOTS = 4;
/** While the store is away, and while limits are wrong: long enough for slots, short enough for people. */
const AGAIN_MS = 2_000;

/** The plugin's `beforeRun`: synchronous while leases cover what jobs ask for. */
export class RunHook {
  readonly #input: RunHookInput;
  readonly #random: () => number;
  /** Jobs that wait in their slots now. */
  #pausing = 0;

  constructor(input: RunHookInput) {
    this.#input = input;
    this.#random = input.random ?? Math.random;
  }

  run(input: RunInput): RunDecision | undefined | Promise<RunDecision | undefined> {
    let ask: Ask;
    try {
      ask = this.#input.asks.of(input.task, input.payload, input);
    } catch (error) {
      return this.#unanswerable(error);
    }
    const { waiting } = ask;
    if (waiting === undefined || ask.immediate !== undefined || ask.dry.length > 0)
      return this.#passAll(input, ask);
    const answer = this.#admit(input, waiting, false);
    return answer instanceof Promise
      ? answer.then((settled) => this.#decide(input, waiting, settled))
      : this.#decide(input, waiting, answer);
  }

  #decide(input: RunInput, group: Group, answer: Answer): RunDecision | undefined {
    if (answer.kind !== "admitted") return this.#turnAway(input, group, answer);
    this.#noteWait(group, answer.waitedMs);
    return proceed({ permit: new Granted(this.#input.admission, input.job.id, [group]) });
  }

  /** Limiters that have it wait, then those that drop or fail it, then those that only count. */
  async #passAll(input: RunInput, ask: Ask): Promise<RunDecision | undefined> {
    const granted: Group[] = [];
    const permit = new Granted(this.#input.admission, input.job.id, granted);
    for (const group of [ask.waiting, ask.immediate]) {
      if (group === undefined) continue;
      const answer = await this.#admit(input, group, group === ask.immediate);
      if (answer.kind === "admitted") {
        this.#noteWait(group, answer.waitedMs);
        granted.push(group);
        continue;
      }
      const decision = this.#turnAway(input, group, answer);
      if (decision === undefined) continue;
      await permit.rollback();
      return decision;
    }
    const dry = await Promise.all(
      ask.dry.map(async (group) => ((await this.#tryOut(input, group)) ? [group] : [])),
    );
    granted.push(...dry.flat());
    return granted.length === 0 ? undefined : proceed({ permit });
  }

  #admit(input: RunInput, group: Group, isPeek: boolean): Answer | Promise<Answer> {
    const { maxWaitMs } = group;
    try {
      const answer = this.#input.admission.admit({ id: input.job.id, group, isPeek, maxWaitMs });
      return answer instanceof Promise ? this.#outwait(input, group, answer) : answer;
    } catch (error) {
      return { kind: "away", error };
    }
  }

  /** Waits out what is shorter than a deferral. */
  async #outwait(input: RunInput, group: Group, first: Promise<AdmitAnswer>): Promise<Answer> {
    const { admission } = this.#input;
    const { maxWaitMs } = group;
    try {
      let answer = await first;
      for (let waits = 0; waits < MOST_SHORT_WAITS; waits += 1) {
        if (answer.kind !== "waiting" || !this.#isShort(answer.inMs)) break;
        await this.#pause(answer.inMs);
        answer = await admission.admit({ id: input.job.id, group, isPeek: false, maxWaitMs });
      }
      return answer;
    } catch (error) {
      return { kind: "away", error };
    }
  }

  /** Most slots are left to others, however many have their turn soon. */
  #isShort(inMs: number | undefined): inMs is number {
    const most = Math.max(1, this.#input.concurrency() / SHARE_OF_SLOTS);
    return inMs !== undefined && inMs <= SHORT_WAIT_MS && this.#pausing < most;
  }

  async #pause(forMs: number): Promise<void> {
    this.#pausing += 1;
    await new Promise<void>((resolve) => this.#input.clock.setTimeout(resolve, forMs));
    this.#pausing -= 1;
  }

  /** @returns whether a limiter in a dry run would have let the job go; it goes whatever this says */
  async #tryOut(input: RunInput, group: Group): Promise<boolean> {
    const answer = await this.#admit(input, group, true);
    if (answer.kind === "admitted") return true;
    if (answer.kind === "away") {
      this.#input.watch.report("store", "limits were not tried out", answer.error);
      return false;
    }
    const use = group.uses[answer.demand] as Use;
    this.#input.metrics.dryRuns.add(1, {
      task: input.task.identifier,
      limiter: use.limiter,
      decision: use.definition.onLimit ?? "defer",
    });
    return false;
  }

  /** @returns undefined when it goes all the same */
  #turnAway({ task }: RunInput, group: Group, answer: NotAdmitted | Away): RunDecision | undefined {
    if (answer.kind === "away") return this.#withoutStore(group, answer.error);
    const { watch: _, metrics, onHeldBack, onLine } = this.#input;
    const use = group.uses[answer.demand] as Use;
    const { bucket } = group.demands[answer.demand] as Group["demands"][number];
    metrics.throttled.add(1, { task: task.identifier, limiter: use.limiter });
    onHeldBack(use);
    const reason = reasonOf(bucket, answer.inMs);
    if (answer.kind === "waiting") {
      onLine(task, bucket);
      const { inMs = parkedForMs(this.#random()) } = answer;
      return defer({ after: Math.max(0, inMs) }, reason);
    }
    return use.definition.onLimit === "drop" ? skip(reason) : fail(reason);
  }

  #withoutStore(group: Group, error: unknown): RunDecision | undefined {
    this.#input.watch.report("store", "the store does not answer", error);
    if (group.uses.every(({ definition }) => definition.onError === "open")) return undefined;
    return this.#again("RATE_LIMIT_STORE_AWAY", messageOf(error));
  }

  #unanswerable(error: unknown): RunDecision {
    if (isHopeless(error)) return fail({ code: error.code, message: error.message }, error);
    this.#input.watch.report("limits", "a job is deferred as its limits are wrong", error);
    return this.#again("INVALID_LIMITS", messageOf(error));
  }

  /** Each a little later than the other. */
  #again(code: string, message: string): RunDecision {
    return defer({ after: AGAIN_MS * (1 + this.#random()) }, { code, message });
  }

  #noteWait({ uses }: Group, waitedMs: number | undefined): void {
    if (waitedMs === undefined) return;
    for (const limiter of new Set(uses.map((use) => use.limiter)))
      this.#input.metrics.wait.record(waitedMs / 1_000, { limiter });
  }
}

/** What a job runs with. */
class Granted implements Permit {
  readonly #admission: Admission;
  readonly #id: string;
  readonly #groups: readonly Group[];

  constructor(admission: Admission, id: string, groups: readonly Group[]) {
    this.#admission = admission;
    this.#id = id;
    this.#groups = groups;
  }

  /** A promise only where there is a place to give back. */
  commit(): void | Promise<void> {
    for (const { hasPlaces } of this.#groups)
      if (hasPlaces) return this.#admission.release(this.#id);
    return undefined;
  }

  async rollback(): Promise<void> {
    await Promise.all(this.#groups.map((group) => this.#admission.rollback(this.#id, group)));
  }
}

function reasonOf(bucket: Bucket, inMs: number | undefined): ReasonInput {
  const code = bucket.rule.kind === "places" ? "CONCURRENCY_LIMITED" : "RATE_LIMITED";
  return { code, message: describeWait(bucket, inMs) };
}
