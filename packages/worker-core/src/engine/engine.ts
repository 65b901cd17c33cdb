import { createHash } from "node:crypto";
import type { Job } from "graphile-worker";
import type { Until } from "../contract/decisions.ts";
import type { Query, Row } from "../contract/query.ts";
import type { Reason } from "../contract/reason.ts";
import { parseDuration } from "../duration.ts";
import { type Reschedule, removeJobs, rescheduleJobs, wakeWorkers } from "./admin.ts";
import { createBatcher } from "./batcher.ts";
import type { EngineDatabase } from "./database.ts";
import { type FailedPage, failedPage } from "./failed.ts";
import {
  completeJobs,
  failJobs,
  type GiveBackChoice,
  giveBackJobs,
  type LostFailure,
} from "./give-back.ts";
import { holdJobs, releaseJobs } from "./hold.ts";
import { type Inserted, type InsertItem, insertJobs } from "./insert.ts";
import type { JobMatch } from "./match.ts";
import { type Due, deferJobs, exhaustJobs, type Moved, retryJobs } from "./move.ts";
import { noteSkips, sweepNotes } from "./notes.ts";
import {
  type Depth,
  type JobRecord,
  jobIds,
  type LockOwner,
  type Note,
  type PeekFilter,
  peekJobs,
  readDepth,
  readLockOwners,
  readNote,
} from "./read.ts";
import { type RecoverChoice, type Recovered, recoverJobs } from "./recover.ts";
import { withRetries } from "./retries.ts";
import { markSettled } from "./signal.ts";
import {
  type ClaimedJob,
  type TakeChoice,
  type TakeInto,
  type TakenRow,
  takeInto,
} from "./take.ts";
import { type JobTurn, moveTurns, type ReadyChoice, readyJobs } from "./turns.ts";

/** Counts up to this many rows; beyond, samples about as many. */
const DEPTH_CAP = 20_000;
/** What `take` does with the rows: it returns them. */
const ROWS: TakeInto = { sql: "select * from taken order by id", values: [] };
/** Rows that one hold or release statement moves. */
const MOVE_BATCH = 50_000;

/**
 * The only way to graphile-worker's tables: one SQL statement an operation. Methods on a claimed job are
 * guarded by the claim's pool and share a statement with other calls of the same tick.
 */
export interface Engine {
  /**
   * Sends a claimed job back to the queue at no cost in attempts, due later, with a note.
   *
   * @returns when it is due; undefined when the row was no longer this claim's
   */
  defer(job: Job, until: Until, reason: Reason): Promise<Moved | undefined>;
  /** Leaves a claimed job no further attempt, with a note; the engine then records its error. */
  exhaust(job: Job, reason: Reason): Promise<boolean>;
  /** Records a claimed job's failed attempt and when the next is due. */
  retry(
    job: Job,
    at: Until,
    message: string,
    payload?: readonly unknown[],
  ): Promise<Moved | undefined>;
  /** Notes why a claimed job completes without running. */
  noteSkip(job: Job, reason: Reason): Promise<void>;
  /**
   * Deletes jobs, frees their queues and does something with the rows, in one statement.
   *
   * @param query - the caller's transaction; the pool unless given
   * @returns the rows of `into`'s statement
   */
  takeInto<R extends object>(choice: TakeChoice, into: TakeInto, query?: Query): Promise<R[]>;
  /**
   * Deletes rows, frees their queue and returns them, in the caller's transaction.
   *
   * @param job - a claimed job, or ids of jobs that nobody holds
   */
  take(job: Job | readonly string[], query: Query): Promise<TakenRow[]>;
  /**
   * Parks waiting jobs at no cost to the others; see `release`.
   *
   * @param until - when they come back by themselves; `undefined` never
   * @returns how many were parked
   */
  hold(match: JobMatch, until: Date | undefined, reason: Reason): Promise<number>;
  /**
   * Brings back, in their old order, jobs that `plugin` holds.
   *
   * @param limit - at most so many; all when undefined
   */
  release(plugin: string, match?: JobMatch, limit?: number): Promise<number>;
  /**
   * Returns jobs that a pool holds, with their attempt. Only for a pool that is known to be gone, or for
   * jobs of one's own.
   */
  giveBack(pool: string, choice?: GiveBackChoice): Promise<number>;
  /**
   * Takes over from a pool that is known to be gone: attempts given back, crashes counted in the label
   * `crashes`, jobs below the limit unlocked.
   */
  recover(pool: string, choice: RecoverChoice): Promise<Recovered>;
  /** Ids of jobs without an attempt left, a page of at most `scan` rows of the table after an id ("0" to begin). */
  failed(after: string, scan: number): Promise<FailedPage>;
  /** Deletes jobs that a pool finished but could not record. */
  complete(pool: string, ids: readonly string[]): Promise<void>;
  /** Writes failures that a pool could not. */
  fail(pool: string, failures: readonly LostFailure[]): Promise<void>;
  /** Adds jobs; the pipeline's last step. */
  insert(query: Query, items: readonly InsertItem[]): Promise<Inserted[]>;
  /** Lists jobs with state and note, by id. */
  peek(filter: PeekFilter): Promise<JobRecord[]>;
  /** Ids of jobs, for operations on many; reads no payloads. */
  ids(filter: PeekFilter): Promise<string[]>;
  /** One job, or undefined when it is not in the queue (any more). */
  get(id: string): Promise<JobRecord | undefined>;
  /** The note of a job that may be gone already. */
  note(id: string): Promise<Note | undefined>;
  /** Counts jobs by task and state, at a bounded cost. */
  depth(): Promise<Depth>;
  /** Who holds jobs and queues; reads every row. */
  lockOwners(): Promise<LockOwner[]>;
  /** Changes waiting or failed jobs. */
  reschedule(ids: readonly string[], change: Reschedule): Promise<string[]>;
  /**
   * Has the workers of all processes look for jobs now: for jobs that were added to be due later and have come
   * due, which are otherwise found by the poll.
   *
   * @param count - how many are due
   */
  wake(count: number): Promise<void>;
  /**
   * Reads jobs that are due and locks their rows until the end of the transaction: for a plugin that moves a crowd
   * before it is fetched. Give them their turns in the same transaction.
   */
  ready(choice: ReadyChoice, query: Query): Promise<Job[]>;
  /**
   * Gives waiting jobs another turn, each its own; without a note. This process looks for them when they are due.
   *
   * @param query - the caller's transaction; the pool unless given
   * @returns ids of the jobs that were moved; running and failed ones are not
   */
  moveTurns(turns: readonly JobTurn[], query?: Query): Promise<string[]>;
  /** Removes waiting or failed jobs. */
  remove(ids: readonly string[]): Promise<string[]>;
  /** Deletes notes of jobs that are gone, a page at a time. */
  sweepNotes(after: string): Promise<string>;
}

/** What an engine needs beside its database. */
export interface EngineOptions {
  readonly database: EngineDatabase;
  /** The engine's own `failJobBatchDelay`; a deferred job is due after its failure write, at the earliest. */
  readonly failJobBatchDelayMs: number;
  /** A job that was moved is due in so long: for the wake-up. */
  readonly onDue: (dueInMs: number) => void;
  /** Named queues of this process's jobs are free again; jobs may be waiting in them. */
  readonly onQueuesFreed: (count: number) => void;
  /** Ends the retries of statements that the database could not take. */
  readonly signal: AbortSignal;
}

/** Spared between the engine's failure write and the earliest next claim. */
const MARGIN_MS = 10;
const SWEEP_PAGE = 2_000;
const SWEEP_KEEP_MS = 60 * 60_000;

/** Makes an {@link Engine}. */
export function createEngine(options: EngineOptions): Engine {
  const { database, signal } = options;
  const minDelayMs = Math.max(0, options.failJobBatchDelayMs) + MARGIN_MS;
  // A job that could not be moved would be taken for failed: these keep trying while the database is away.
  const defer = createBatcher((items: Parameters<typeof deferJobs>[1]) =>
    withRetries(() => deferJobs(database, items, minDelayMs), signal),
  );
  const retry = createBatcher((items: Parameters<typeof retryJobs>[1]) =>
    withRetries(() => retryJobs(database, items), signal),
  );
  const exhaust = createBatcher((items: Parameters<typeof exhaustJobs>[1]) =>
    withRetries(() => exhaustJobs(database, items), signal),
  );
  const note = createBatcher((items: Parameters<typeof noteSkips>[1]) =>
    noteSkips(database, items),
  );

  const poolQuery: Query = <R extends object>(text: string, values: readonly unknown[] = []) =>
    database.run<R & Row>(statementName(text), text, values);
  async function take<R extends object>(choice: TakeChoice, into: TakeInto, query: Query) {
    const rows = await takeInto<R>(query, database.tables, choice, into);
    const freed = "claimed" in choice ? choice.claimed.filter(hasQueue).length : 0;
    if (freed > 0) options.onQueuesFreed(freed);
    return rows;
  }

  const moved = (job: Job, answer: Moved | undefined) => {
    if (answer === undefined) return undefined;
    options.onDue(answer.dueInMs);
    if (job.job_queue_id !== null) options.onQueuesFreed(1);
    return answer;
  };

  return {
    async defer(job, until, reason) {
      const answer = await defer({ job, due: toDue(until), reason });
      markSettled(job);
      return moved(job, answer);
    },
    exhaust: (job, reason) => exhaust({ job, reason }),
    async retry(job, at, message, payload) {
      const answer = await retry({ job, due: toDue(at), message, payload });
      markSettled(job);
      return moved(job, answer);
    },
    noteSkip: (job, reason) => note({ job, reason }),
    take: (job, query) =>
      take<TakenRow>("id" in job ? { claimed: [job] } : { waiting: job }, ROWS, query),
    takeInto: (choice, into, query = poolQuery) => take(choice, into, query),
    hold: (match, until, reason) =>
      inBatches(
        (limit, held) => holdJobs(database, match, until, reason, limit, held),
        Number.POSITIVE_INFINITY,
      ),
    release: (plugin, match, limit = Number.POSITIVE_INFINITY) =>
      inBatches((size) => releaseJobs(database, plugin, match, size), limit),
    giveBack: (pool, choice) => giveBackJobs(database, pool, choice),
    recover: (pool, choice) => recoverJobs(database, pool, choice),
    failed: (after, scan) => failedPage(database, after, scan),
    complete: (pool, ids) => completeJobs(database, pool, ids),
    fail: (pool, failures) => failJobs(database, pool, failures),
    insert: (query, items) => insertJobs(query, database.tables, items),
    peek: (filter) => peekJobs(database, filter),
    ids: (filter) => jobIds(database, filter),
    get: async (id) => (await peekJobs(database, { ids: [id], limit: 1 }))[0],
    note: (id) => readNote(database, id),
    depth: () => readDepth(database, DEPTH_CAP),
    lockOwners: () => readLockOwners(database),
    reschedule: (ids, change) => rescheduleJobs(database, ids, change),
    wake: (count) => wakeWorkers(database, count),
    ready: (choice, query) => readyJobs(query, database.tables, choice),
    async moveTurns(turns, query = poolQuery) {
      const ids = await moveTurns(query, database.tables, turns);
      const moved = new Set(ids);
      for (const { id, inMs } of turns) if (moved.has(id) && inMs > 0) options.onDue(inMs);
      return ids;
    },
    remove: (ids) => removeJobs(database, ids),
    sweepNotes: (after) => sweepNotes(database, after, SWEEP_PAGE, SWEEP_KEEP_MS),
  };
}

function hasQueue({ job_queue_id }: ClaimedJob): boolean {
  return job_queue_id !== null;
}

const statementNames = new Map<string, string>();

/** A name for a prepared statement whose text is a plugin's in part: equal for equal texts only. */
function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = createHash("sha256").update(text).digest("hex").slice(0, 24);
    statementNames.set(text, name);
  }
  return name;
}

/** Repeats a bounded statement until it moves less than it may, so that no transaction grows with the backlog. */
async function inBatches(
  move: (limit: number, total: number) => Promise<number>,
  limit: number,
): Promise<number> {
  let total = 0;
  while (total < limit) {
    const size = Math.min(MOVE_BATCH, limit - total);
    const count = await move(size, total);
    total += count;
    if (count < size) break;
  }
  return total;
}

function toDue(until: Until): Due {
  if (!(until instanceof Date)) return { afterMs: parseDuration(until.after, "until.after") };
  if (Number.isNaN(until.getTime()))
    throw new RangeError("until got an invalid Date; it is an instant, or { after: duration }");
  return { at: until };
}
