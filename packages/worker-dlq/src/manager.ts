import type { Readable } from "node:stream";
import { type Job, type PluginHost, type Query, validateOptions } from "@oppulence/worker-core";
import { z } from "zod";
import { chunksOf } from "./chunks.ts";
import { type DeadLetter, toDeadLetter } from "./dead-letter.ts";
import { ARCHIVED, type Deletion } from "./deletion.ts";
import { type ExportFormat, exportEntries } from "./export.ts";
import {
  type DiscardInput,
  type DlqFilter,
  type DlqProgress,
  type DlqQuery,
  filtersOf,
  type ReprocessInput,
  readDiscard,
  readFilter,
  readId,
  readQuery,
  readReprocess,
} from "./filter.ts";
import type { Mover } from "./mover.ts";
import type { Policies } from "./policies.ts";
import { type DeadLetterGroup, readGroups, readSizes, type TaskSize } from "./postgres-counts.ts";
import type { DlqStore } from "./postgres-store.ts";
import type { Reconciler } from "./reconciler.ts";
import type { Requeue } from "./requeue.ts";
import type { Retention } from "./retention.ts";
import type { ReprocessResult } from "./tally.ts";

/** A page of dead letters. */
export interface DeadLetterPage {
  readonly entries: readonly DeadLetter[];
  /** Pass it as `cursor` for the next page; undefined at the end. */
  readonly next: string | undefined;
}

/** What {@link DLQManager.discard} did. */
export interface DiscardResult {
  /** Entries that the selection means. */
  readonly matched: number;
  /** Entries that are gone; with `dryRun`, those that would be. */
  readonly discarded: number;
  /** Entries whose archive hook failed: they are still there. */
  readonly kept: number;
  readonly dryRun: boolean;
}

/** How many dead letters there are. */
export interface DlqStats {
  readonly total: number;
  /** Counted; otherwise the sizes of large tasks are estimated. */
  readonly exact: boolean;
  readonly tasks: readonly TaskSize[];
}

/** What {@link DLQManager.moveToDeadLetter} is told. */
export interface MoveInput {
  /** Lower snake case: `crash_loop`. @defaultValue `"moved_by_hand"` */
  readonly reason?: string;
  /** Anything that was thrown. @defaultValue the engine's last error of the job */
  readonly error?: unknown;
  /** A transaction of the caller's. Handlers and events are then not told, as it may roll back. */
  readonly query?: Query;
}

/** What a {@link DLQManager} is made of. */
export interface ManagerParts {
  readonly host: Pick<PluginHost, "query" | "schema" | "tasks">;
  readonly store: DlqStore;
  readonly policies: Policies;
  readonly mover: Mover;
  readonly requeue: Requeue;
  readonly deletion: Deletion;
  readonly reconciler: Reconciler;
  readonly retention: Retention;
  readonly maxRequeues: number;
}

const DEFAULT_GROUPS = 50;
const REASON = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,63}$/i,
    "expected up to 64 characters a–z, 0–9 and _, such as crash_loop",
  );
const groupLimit = z.strictObject({ limit: z.int().min(1).max(1_000).default(DEFAULT_GROUPS) });
const exportFormat = z.enum(["ndjson", "csv"]);

/** Dead letters, for programs: `worker.plugins.dlq`. Works in workers and clients alike. */
export class DLQManager {
  readonly #parts: ManagerParts;

  constructor(parts: ManagerParts) {
    this.#parts = parts;
  }

  /**
   * Moves a job out of the queue, in one statement (and one transaction).
   *
   * @param job - a claimed job, guarded by its claim's pool, which may be dead; or the id of a job that nobody
   * holds
   * @returns the dead letter's id; undefined when the job is not there any more, somebody else holds it, or
   * the task's policy is off
   * @throws InvalidOptionsError
   */
  async moveToDeadLetter(
    job: Job | string,
    { reason = "moved_by_hand", error, query }: MoveInput = {},
  ): Promise<string | undefined> {
    const where = "moveToDeadLetter";
    const checked = validateOptions(REASON, reason, `${where}, reason`).toLowerCase();
    if (typeof job !== "string") {
      if (!this.#parts.policies.of(job.task_identifier).enabled) return undefined;
      return this.#parts.mover.moveOne(job, { reason: checked, error }, query);
    }
    const id = readId(job, `${where}, id`);
    return this.#parts.mover.moveOne(id, { reason: checked, error }, query);
  }

  /**
   * A page of entries, newest first. Pages are stable: entries that come meanwhile are not on later pages, and
   * none is twice.
   *
   * @throws InvalidOptionsError for a filter or cursor that is wrong
   */
  async list(query: DlqQuery = {}): Promise<DeadLetterPage> {
    const { limit, cursor, ...filter } = readQuery(query, "dlq list");
    // One more than asked for tells whether there is a next page.
    const rows = await this.#parts.store.list(filter, cursor, limit + 1);
    const entries = rows.slice(0, limit).map((row) => toDeadLetter(row, this.#parts.maxRequeues));
    return { entries, next: rows.length > limit ? entries.at(-1)?.id : undefined };
  }

  /** The same as {@link DLQManager.list}. */
  inspectDLQ(query: DlqQuery = {}): Promise<DeadLetterPage> {
    return this.list(query);
  }

  /** One whole entry; undefined when there is none with this id. @throws InvalidOptionsError */
  async get(id: string): Promise<DeadLetter | undefined> {
    const [row] = await this.#parts.store.read([readId(id, "dlq get, id")]);
    return row && toDeadLetter(row, this.#parts.maxRequeues);
  }

  /**
   * Causes, those with most entries first.
   *
   * @param filter - a filter by task is cheap, any other reads the entries
   * @throws InvalidOptionsError
   */
  async groups(
    filter: DlqFilter = {},
    options: { readonly limit?: number } = {},
  ): Promise<DeadLetterGroup[]> {
    const { host, maxRequeues } = this.#parts;
    const { limit } = validateOptions(groupLimit, options, "dlq groups");
    const checked = readFilter(filter, "dlq groups");
    return readGroups(host.query, host.schema, checked, limit, maxRequeues);
  }

  /**
   * Makes new jobs of entries, which go: in batches, each in one transaction. An entry that cannot be
   * reprocessed stays, and the result says why.
   *
   * @throws InvalidOptionsError; what the database throws: batches before that are done, no later one is
   *
   * @example
   * await worker.plugins.dlq.reprocessDLQ({ fingerprint, spreadOver: "10m" });
   */
  async reprocessDLQ(input: ReprocessInput): Promise<ReprocessResult> {
    return this.#parts.requeue.run(readReprocess(input, "reprocessDLQ"));
  }

  /**
   * Deletes entries for good, after the archive hook of their task.
   *
   * @throws InvalidOptionsError
   */
  async discard(input: DiscardInput): Promise<DiscardResult> {
    const { dryRun = false, onProgress, signal, ...selection } = readDiscard(input, "dlq discard");
    const { store, deletion, host } = this.#parts;
    const filters = filtersOf(selection);
    const ceiling = await store.ceiling();
    const matched = await store.count(filters, ceiling.id);
    if (dryRun) return { matched, discarded: matched, kept: 0, dryRun };
    const isArchived = deletion.archives(host.tasks.keys());
    let discarded = 0;
    let kept = 0;
    for await (const ids of chunksOf(store, filters, ceiling, ARCHIVED, !isArchived)) {
      signal?.throwIfAborted();
      const done = await (isArchived
        ? deletion.archiveAndRemove(ids, "discarded", signal)
        : deletion.remove(ids, "discarded"));
      discarded += done.deleted;
      kept += done.kept.length;
      onProgress?.(Math.min(discarded + kept, matched), matched);
    }
    return { matched, discarded, kept, dryRun };
  }

  /** Discards everything, or everything of a task. @throws InvalidOptionsError */
  clear({
    task,
    ...progress
  }: { readonly task?: string } & DlqProgress = {}): Promise<DiscardResult> {
    return this.discard({ filter: task === undefined ? {} : { task }, ...progress });
  }

  /**
   * Entries as a stream of text, oldest first, in constant memory.
   *
   * @throws InvalidOptionsError
   *
   * @example
   * await pipeline(worker.plugins.dlq.exportDLQ({ format: "csv" }), createWriteStream("dlq.csv"));
   */
  exportDLQ({
    format = "ndjson",
    filter = {},
  }: {
    readonly format?: ExportFormat;
    readonly filter?: DlqFilter;
  } = {}): Readable {
    const { store, maxRequeues } = this.#parts;
    const checked = validateOptions(exportFormat, format, "exportDLQ, format");
    return exportEntries(store, checked, readFilter(filter, "exportDLQ, filter"), maxRequeues);
  }

  /** Sizes and ages by task; those of more than 5,000 entries are estimated. */
  async stats(): Promise<DlqStats> {
    const { host } = this.#parts;
    const tasks = await readSizes(host.query, host.schema);
    return {
      total: tasks.reduce((sum, { size }) => sum + size, 0),
      exact: tasks.every(({ exact }) => exact),
      tasks,
    };
  }

  /**
   * Looks through the whole queue for failed jobs now, instead of a part every `reconcileInterval`.
   *
   * @returns how many were moved
   */
  reconcile(): Promise<number> {
    return this.#parts.reconciler.all();
  }

  /** Applies the retention now. @returns how many entries were deleted */
  sweep(): Promise<number> {
    return this.#parts.retention.turn(new AbortController().signal);
  }
}
