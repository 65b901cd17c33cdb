import {
  type EnqueueResult,
  type JobInput,
  messageOf,
  type PluginHost,
  parseDuration,
  type Query,
} from "@oppulence/worker-core";
import type { RequeueBackoff } from "./backoff.ts";
import { chunksOf } from "./chunks.ts";
import { type DeadLetter, type DeadLetterRow, toDeadLetter } from "./dead-letter.ts";
import { filtersOf, type ReprocessInput } from "./filter.ts";
import type { DlqMetrics } from "./metrics.ts";
import type { DlqStore } from "./postgres-store.ts";
import { type Plan, type Planned, planJobs, refuse } from "./requeue-plan.ts";
import { isRefusal, type ReprocessResult, Tally } from "./tally.ts";

/** What a {@link Requeue} needs. */
export interface RequeueInput {
  readonly host: Pick<PluginHost, "transaction" | "addJobs" | "tasks" | "events">;
  readonly store: DlqStore;
  readonly metrics: DlqMetrics;
  readonly maxRequeues: number;
  readonly backoff: RequeueBackoff;
}

/** `addJobs` for a list whose tasks are known by their identifiers alone. */
type AddAll = (
  jobs: readonly JobInput<string>[],
  options: { readonly client: Query },
) => Promise<EnqueueResult[]>;

/** Sends dead letters back to the queue: a chunk in one transaction, so that none is in both or in neither. */
export class Requeue {
  readonly #input: RequeueInput;

  constructor(input: RequeueInput) {
    this.#input = input;
  }

  /** @param input - checked already */
  async run(input: ReprocessInput): Promise<ReprocessResult> {
    const { store, host, maxRequeues, backoff } = this.#input;
    const { spreadOver, dryRun = false } = input;
    const spreadMs = spreadOver === undefined ? 0 : parseDuration(spreadOver, "spreadOver");
    const filters = filtersOf(input);
    const ceiling = await store.ceiling();
    const total = await store.count(filters, ceiling.id);
    const from = input.runAt ?? ceiling.now;
    const plan: Plan = { input, from, spreadMs, total, tasks: host.tasks, maxRequeues, backoff };
    const tally = new Tally(total, input.ids);
    for await (const ids of chunksOf(store, filters, ceiling)) {
      input.signal?.throwIfAborted();
      if (dryRun) await this.#try(ids, plan, tally);
      else await this.#requeue(ids, plan, tally);
      input.onProgress?.(Math.min(tally.done, total), total);
    }
    return tally.result(dryRun);
  }

  async #try(ids: readonly string[], plan: Plan, tally: Tally): Promise<void> {
    const entries = this.#entries(await this.#input.store.read(ids));
    for (const one of await planJobs(entries, plan, tally.done)) {
      if (isRefusal(one)) tally.refuse(one);
      else tally.requeued(one.entry.id, undefined);
    }
  }

  /** A chunk whose jobs are added together; one by one where the pipeline refuses one of them. */
  async #requeue(ids: readonly string[], plan: Plan, tally: Tally): Promise<void> {
    try {
      await this.#together(ids, plan, tally);
    } catch (error) {
      const code = refusalCode(error);
      if (code === undefined) throw error;
      if (ids.length > 1) {
        for (const id of ids) await this.#requeue([id], plan, tally);
        return;
      }
      for (const entry of this.#entries(await this.#input.store.read(ids)))
        tally.refuse(refuse(entry, code, messageOf(error)));
    }
  }

  async #together(ids: readonly string[], plan: Plan, tally: Tally): Promise<void> {
    const { host, store } = this.#input;
    const addAll = host.addJobs as unknown as AddAll;
    const { all, planned, results } = await host.transaction(async (query) => {
      // Locked: whoever else reprocesses or discards them now passes them over.
      const entries = this.#entries(await store.lock(ids, query));
      const all = await planJobs(entries, plan, tally.done);
      const planned = all.filter((one): one is Planned => !isRefusal(one));
      const jobs = planned.map(({ job }) => job);
      const results = jobs.length === 0 ? [] : await addAll(jobs, { client: query });
      const added = planned.filter((_, index) => results[index]?.status === "added");
      const gone = added.map(({ entry }) => entry.id);
      if (gone.length > 0) await store.remove(gone, query);
      return { all, planned, results };
    });
    for (const one of all) if (isRefusal(one)) tally.refuse(one);
    for (const [index, { entry }] of planned.entries())
      this.#settle(entry, results[index] as EnqueueResult, tally);
  }

  #settle(entry: DeadLetter, result: EnqueueResult, tally: Tally): void {
    const { metrics, host } = this.#input;
    if (result.status === "dropped") {
      tally.refuse(refuse(entry, result.reason.code, result.reason.message));
      return;
    }
    tally.requeued(entry.id, result.id);
    metrics.reprocessed.add(1, { task: entry.task });
    host.events.emit("dlq:reprocessed", { id: entry.id, task: entry.task, newJobId: result.id });
  }

  #entries(rows: readonly DeadLetterRow[]): DeadLetter[] {
    return rows.map((row) => toDeadLetter(row, this.#input.maxRequeues));
  }
}

/** What the pipeline throws for a job that it does not take, as opposed to what a database throws. */
const REFUSALS = ["JOB_REJECTED", "INVALID_JOB", "INVALID_PAYLOAD", "UNKNOWN_TASK", "JOB_KEY_BUSY"];

function refusalCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && REFUSALS.includes(code) ? code : undefined;
}
