import {
  type Clock,
  type Engine,
  fromFlags,
  type Job,
  type RunTransaction,
  type TaskInfo,
} from "@oppulence/worker-core";
import type { Asks } from "./asks.ts";
import { bucketId } from "./bucket-id.ts";
import { parkedForMs } from "./parked.ts";
import type { Bucket, Demand, LineEntry, RateLimitStore, Turn } from "./store.ts";

/** What {@link Crowd} needs. */
export interface CrowdInput {
  readonly asks: Asks;
  readonly store: Pick<RateLimitStore, "lineUp" | "lead">;
  readonly engine: Engine;
  readonly transaction: RunTransaction;
  readonly clock: Clock;
  /** This process. */
  readonly holder: string;
  readonly tasks: ReadonlyMap<string, TaskInfo>;
  readonly onError: (message: string, error: unknown) => void;
  /** From 0 to 1. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/** So many turned away within a second are a crowd: the rest of it is lined up before it is fetched. */
const CROWD = 20;
const WITHIN_MS = 1_000;
const PAGE = 2_000;
/** Jobs of the crowd's task that are in no line: with more of them it is hardly a crowd. */
const MOST_LEFT = 5_000;
const LEAD_MS = 10_000;
/** Buckets that are remembered as having a line. */
const MOST_BUCKETS = 10_000;
/** After a crowd was lined up, the next of the same task is looked for no sooner. */
const PAUSE_MS = 1_000;

interface Seen {
  readonly since: number;
  count: number;
}

/**
 * Moves a crowd of due jobs to turns of their own, by pages, where fetching each only to turn it away would keep the
 * others of the queue waiting. One process does it for a task.
 */
export class Crowd {
  readonly #input: CrowdInput;
  readonly #random: () => number;
  readonly #seen = new Map<string, Seen>();
  /** Buckets with a line, by their ids; the oldest first. */
  readonly #lines = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();

  constructor(input: CrowdInput) {
    this.#input = input;
    this.#random = input.random ?? Math.random;
  }

  /** A job of the task was sent to a bucket's line. Not waited for. */
  noticed({ identifier }: TaskInfo, bucket: Bucket): void {
    this.#remember(bucket);
    const now = this.#input.clock.now();
    const seen = this.#seen.get(identifier);
    if (seen === undefined || now - seen.since > WITHIN_MS) {
      this.#seen.set(identifier, { since: now, count: 1 });
      return;
    }
    seen.count += 1;
    if (seen.count < CROWD || this.#underWay.has(identifier) || this.#abort.signal.aborted) return;
    const work = this.#lineUp(identifier).finally(() => this.#underWay.delete(identifier));
    this.#underWay.set(identifier, work);
  }

  /** Resolves once the page that is under way is through. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#underWay.values());
  }

  #remember(bucket: Bucket): void {
    const id = bucketId(bucket);
    this.#lines.delete(id);
    this.#lines.add(id);
    if (this.#lines.size > MOST_BUCKETS)
      this.#lines.delete(this.#lines.values().next().value as string);
  }

  async #lineUp(task: string): Promise<void> {
    const { store, holder, onError, clock } = this.#input;
    try {
      /** Those that find no line, and are fetched as they are. */
      const left: string[] = [];
      let ledUntil = Number.NEGATIVE_INFINITY;
      let isMore = true;
      while (isMore && left.length < MOST_LEFT && !this.#abort.signal.aborted) {
        const now = clock.now();
        if (now >= ledUntil) {
          if (!(await store.lead(holder, `crowd:${task}`, LEAD_MS))) break;
          ledUntil = now + LEAD_MS / 2;
        }
        isMore = await this.#page(task, left);
      }
    } catch (error) {
      onError("could not line a crowd up; its jobs are turned away one by one", error);
    }
    await this.#pause();
  }

  #pause(): Promise<void> {
    const { clock } = this.#input;
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = clock.setTimeout(end, PAUSE_MS);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }

  /** @returns whether there may be more */
  #page(identifier: string, left: string[]): Promise<boolean> {
    const { engine, transaction, store } = this.#input;
    return transaction(async (query) => {
      const choice = { tasks: [identifier], except: left, limit: PAGE };
      const jobs = await engine.ready(choice, query);
      const turns = new Map<string, Turn>();
      for (const { bucket, entries } of this.#byBucket(identifier, jobs)) {
        // Of places, only those who got one are named.
        if (bucket.rule.kind === "places")
          for (const { id } of entries) turns.set(id, { id, inMs: parkedForMs(this.#random()) });
        for (const turn of await store.lineUp(bucket, entries)) turns.set(turn.id, turn);
      }
      if (turns.size > 0) await engine.moveTurns([...turns.values()], query);
      left.push(...jobs.flatMap(({ id }) => (turns.has(id) ? [] : [id])));
      return jobs.length === PAGE;
    });
  }

  #byBucket(
    identifier: string,
    jobs: readonly Job[],
  ): Iterable<{ readonly bucket: Bucket; readonly entries: readonly LineEntry[] }> {
    const lines = new Map<string, { bucket: Bucket; entries: LineEntry[] }>();
    const task = this.#input.tasks.get(identifier);
    if (task === undefined) return [];
    for (const job of jobs) {
      const demand = this.#lineOf(task, job);
      if (demand === undefined) continue;
      const { bucket, units } = demand;
      const id = bucketId(bucket);
      const line = lines.get(id) ?? { bucket, entries: [] };
      line.entries.push({ id: job.id, units });
      lines.set(id, line);
    }
    return lines.values();
  }

  /** @returns undefined for a job that finds no line, or whose payload is for others to judge */
  #lineOf(task: TaskInfo, job: Job): Demand | undefined {
    try {
      const payload = payloadOf(task, job.payload);
      if (payload === undefined) return undefined;
      const labels = fromFlags(job.flags as Parameters<typeof fromFlags>[0]);
      const ask = this.#input.asks.of(task, payload.value, { job, task, labels });
      return ask.waiting?.demands.find(({ bucket }) => this.#lines.has(bucketId(bucket)));
    } catch {
      // It is fetched, and its hook says what is wrong.
      return undefined;
    }
  }
}

/** The payload as the task will see it; undefined where that is not known at once. */
function payloadOf(
  { payload: schema }: TaskInfo,
  payload: unknown,
): { value: unknown } | undefined {
  if (schema === undefined) return { value: payload };
  const result = schema["~standard"].validate(payload);
  if (result instanceof Promise) {
    result.catch(() => {});
    return undefined;
  }
  return result.issues === undefined ? { value: result.value } : undefined;
}
