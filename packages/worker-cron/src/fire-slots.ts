import {
  type EnqueueResult,
  type JobInput,
  messageOf,
  type PluginHost,
  type Query,
} from "@oppulence/worker-core";
import { jitterOf } from "./jitter.ts";
import { toSlotLabels } from "./labels.ts";
import { bufferQueue } from "./overlap.ts";
import type { PayloadBuilder } from "./payload-builder.ts";
import type { Ledger, SlotSource, SlotStatus } from "./postgres-ledger.ts";
import type { Schedule } from "./schedule.ts";

/** A slot that is to have a run. Instants are milliseconds since the epoch. */
export interface FiringSlot {
  readonly schedule: Schedule;
  readonly slot: number;
  readonly previous: number | undefined;
  readonly source: SlotSource;
  /** Instead of the schedule's own, as JSON. */
  readonly payload?: string | undefined;
}

/** What became of it. */
export interface FiredSlot extends FiringSlot {
  readonly status: Extract<SlotStatus, "scheduled" | "skipped" | "failed">;
  readonly jobId: string | null;
  readonly error: string | null;
}

/** The id that a slot's log lines, job and ledger row have in common. */
export function correlationOf({ correlationId }: Schedule, slot: number): string {
  return `${correlationId}-${slot.toString(36)}`;
}

/** A slot that has its row in the ledger already, or cannot have a job. */
interface Prepared extends FiringSlot {
  readonly job: JobInput<string> | undefined;
  readonly error: string | null;
}

/**
 * Gives slots their rows in the ledger and their jobs, in the caller's transaction: each exactly once, as the
 * ledger has one row a slot.
 */
export class SlotFirer {
  readonly #host: PluginHost<unknown>;
  readonly #ledger: Ledger;
  readonly #builder: PayloadBuilder;

  constructor(host: PluginHost<unknown>, ledger: Ledger, builder: PayloadBuilder) {
    this.#host = host;
    this.#ledger = ledger;
    this.#builder = builder;
  }

  /**
   * @param again - statuses of slots that may fire once more
   * @returns what became of those that had not fired before
   */
  async fire(
    query: Query,
    slots: readonly FiringSlot[],
    again: readonly SlotStatus[] = [],
  ): Promise<FiredSlot[]> {
    if (slots.length === 0) return [];
    if (again.length > 0) return this.#fireAny(query, slots, again);
    const prepared = await Promise.all(slots.map((one) => this.#prepare(one)));
    return (await this.#fireNew(query, prepared)) ?? this.#fireAny(query, slots, [], prepared);
  }

  /**
   * What nearly every time holds: none of the slots has a row, and no job is refused. Each row is written once.
   *
   * @returns undefined where that does not hold: then nothing was written
   */
  async #fireNew(query: Query, prepared: readonly Prepared[]): Promise<FiredSlot[] | undefined> {
    return this.#undoing(query, async (undo) => {
      const jobs = prepared.flatMap(({ job }) => job ?? []);
      const results = jobs.length === 0 ? [] : await this.#add(query, jobs).catch(() => undefined);
      if (results === undefined) return undo();
      const fired = toFired(prepared, results);
      const count = await this.#ledger.insertNew(query, fired.map(toEntry));
      return count === fired.length ? fired : undo();
    });
  }

  /** First the rows, so that no slot that has one gets a job; then the jobs, one by one where one is refused. */
  async #fireAny(
    query: Query,
    slots: readonly FiringSlot[],
    again: readonly SlotStatus[],
    prepared: readonly Prepared[] = [],
  ): Promise<FiredSlot[]> {
    const entries = slots.map((one) =>
      toEntry({ ...one, status: "scheduled", jobId: null, error: null }),
    );
    const written = await this.#ledger.insert(query, entries, again);
    const names = new Set(written.map(({ key, slot }) => nameOf(key, slot)));
    const pending = slots.flatMap((one, index) =>
      names.has(nameOf(one.schedule.key, one.slot)) ? [prepared[index] ?? this.#prepare(one)] : [],
    );
    const fresh = await Promise.all(pending);
    const jobs = fresh.flatMap(({ job }) => job ?? []);
    const fired = toFired(fresh, await this.#addAny(query, jobs));
    await this.#ledger.settle(query, fired.map(toEntry));
    return fired;
  }

  async #prepare(one: FiringSlot): Promise<Prepared> {
    try {
      const payload = JSON.parse(one.payload ?? (await this.#builder.build(one)));
      return { ...one, job: toJob(one, payload), error: null };
    } catch (error) {
      return { ...one, job: undefined, error: messageOf(error) };
    }
  }

  #add(query: Query, jobs: readonly JobInput<string>[]): Promise<EnqueueResult[]> {
    return this.#host.addJobs(jobs as JobInput<string>[], {
      client: (text, values) => query(text, values),
    });
  }

  /** All at once; where one of them is refused, one by one, so that it takes no other with it. */
  async #addAny(
    query: Query,
    jobs: readonly JobInput<string>[],
  ): Promise<(EnqueueResult | Error)[]> {
    if (jobs.length === 0) return [];
    const all = await this.#attempt(query, jobs);
    if (Array.isArray(all)) return all;
    if (jobs.length === 1) return [all];
    const results: (EnqueueResult | Error)[] = [];
    for (const job of jobs) {
      const one = await this.#attempt(query, [job]);
      results.push(Array.isArray(one) ? (one[0] as EnqueueResult) : one);
    }
    return results;
  }

  #attempt(query: Query, jobs: readonly JobInput<string>[]): Promise<EnqueueResult[] | Error> {
    return this.#undoing<EnqueueResult[] | Error>(query, (undo) =>
      this.#add(query, jobs).catch((error: unknown) =>
        undo(error instanceof Error ? error : new Error(messageOf(error))),
      ),
    );
  }

  /** Runs statements that can be undone without the transaction's others. */
  async #undoing<T>(
    query: Query,
    body: (undo: <U = undefined>(answer?: U) => Promise<U>) => Promise<T>,
  ): Promise<T> {
    await query("savepoint oppulence_worker_cron");
    let isUndone = false;
    const answer = await body(async (instead) => {
      // Throws where the connection is gone: then there is no transaction to go on with.
      await query("rollback to savepoint oppulence_worker_cron");
      isUndone = true;
      return instead as never;
    });
    if (!isUndone) await query("release savepoint oppulence_worker_cron");
    return answer;
  }
}

/** What became of slots, by what `addJobs` answered, in order, for those that have a job. */
function toFired(
  prepared: readonly Prepared[],
  results: readonly (EnqueueResult | Error)[],
): FiredSlot[] {
  let next = 0;
  return prepared.map(({ job, error, ...one }) => {
    if (job === undefined) return { ...one, status: "failed", jobId: null, error };
    const result = results[next++] as EnqueueResult | Error;
    if (result instanceof Error)
      return { ...one, status: "failed", jobId: null, error: messageOf(result) };
    if (result.status === "added")
      return { ...one, status: "scheduled", jobId: result.id, error: null };
    const { plugin, message } = result.reason;
    return { ...one, status: "skipped", jobId: null, error: `${plugin}: ${message}` };
  });
}

function toEntry({ schedule, slot, source, status, jobId, error }: FiredSlot) {
  const correlationId = correlationOf(schedule, slot);
  return { key: schedule.key, slot, status, error, source, correlationId, jobId };
}

function nameOf(key: string, slot: number): string {
  return `${slot} ${key}`;
}

function toJob(
  { schedule, slot, previous, source }: FiringSlot,
  payload: unknown,
): JobInput<string> {
  const { key, task, settings } = schedule;
  const { queueName, priority, maxAttempts, labels, jitterMs, overlap } = settings;
  const correlationId = correlationOf(schedule, slot);
  return {
    task,
    payload,
    // Whoever triggers a schedule means now.
    runAt: new Date(slot + (source === "trigger" ? 0 : jitterOf(key, slot, jitterMs))),
    queueName: overlap === "bufferOne" ? bufferQueue(key) : queueName,
    priority,
    maxAttempts,
    labels: { ...labels, ...toSlotLabels({ key, slot, previous, correlationId }) },
  };
}
