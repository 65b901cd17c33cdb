import type { Clock, PluginHost, Query } from "@oppulence/worker-core";
import { callBounded, shortMessage } from "./bounded.ts";
import { type DeadLetter, type DeadLetterRow, toDeadLetter } from "./dead-letter.ts";
import type { ArchiveHook } from "./options.ts";
import type { Policies } from "./policies.ts";
import type { DlqStore } from "./postgres-store.ts";

/** Entries that one call of the archive hook gets. */
export const ARCHIVED = 100;

/** What a {@link Deletion} needs. */
export interface DeletionInput {
  readonly host: Pick<PluginHost, "transaction" | "events">;
  readonly store: DlqStore;
  readonly policies: Policies;
  readonly clock: Clock;
  readonly archiveTimeoutMs: number;
  readonly maxRequeues: number;
  readonly onArchiveError: (message: string, error: unknown) => void;
}

/** What became of entries that were to be deleted. */
export interface Deleted {
  readonly deleted: number;
  /** Entries whose archive hook failed: they are still there. */
  readonly kept: readonly string[];
}

/** Deletes dead letters for good, each after its archive hook. */
export class Deletion {
  readonly #input: DeletionInput;

  constructor(input: DeletionInput) {
    this.#input = input;
  }

  /** Whether any task that this worker knows has an archive hook: what is deleted has to be read then. */
  archives(tasks: Iterable<string>): boolean {
    const { policies } = this.#input;
    if (policies.fallback.archive !== undefined) return true;
    for (const task of tasks) if (policies.of(task).archive !== undefined) return true;
    return false;
  }

  /** Deletes entries without reading them: where no task has an archive hook. */
  async remove(ids: readonly string[], why: "discarded" | "retention"): Promise<Deleted> {
    const rows = await this.#input.store.remove(ids);
    this.#announce(
      rows.map(({ id }) => id),
      why,
    );
    return { deleted: rows.length, kept: [] };
  }

  /**
   * Archives and deletes entries, in a transaction that holds them: nobody else archives or reprocesses them
   * meanwhile. A hook that fails keeps those that it was called with.
   *
   * @param ids - at most {@link ARCHIVED}
   * @param signal - ends the wait for the hook
   */
  async archiveAndRemove(
    ids: readonly string[],
    why: "discarded" | "retention",
    signal: AbortSignal | undefined,
  ): Promise<Deleted> {
    const { host, store } = this.#input;
    const { gone, kept } = await host.transaction(async (query: Query) => {
      const rows = await store.lock(ids, query);
      const done: string[] = [];
      const left: string[] = [];
      for (const group of byTask(rows)) {
        const isDone = await this.#archive(group, signal);
        (isDone ? done : left).push(...group.map(({ id }) => id));
      }
      if (done.length > 0) await store.remove(done, query);
      return { gone: done, kept: left };
    });
    this.#announce(gone, why);
    return { deleted: gone.length, kept };
  }

  async #archive(
    rows: readonly DeadLetterRow[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { policies, clock, archiveTimeoutMs, maxRequeues, onArchiveError } = this.#input;
    const task = rows[0]?.task ?? "";
    const hook: ArchiveHook | undefined = policies.of(task).archive;
    if (hook === undefined) return true;
    const entries = rows.map((row): DeadLetter => toDeadLetter(row, maxRequeues));
    try {
      await callBounded((aborts) => hook(entries, { signal: aborts }), {
        what: "archive",
        timeoutMs: archiveTimeoutMs,
        clock,
        signal,
      });
      return true;
    } catch (error) {
      const message = `the archive hook failed for ${rows.length} dead letters of task ${task}, which are kept: ${shortMessage(error)}`;
      onArchiveError(message, error);
      return false;
    }
  }

  #announce(ids: readonly string[], why: "discarded" | "retention"): void {
    if (ids.length > 0) this.#input.host.events.emit("dlq:deleted", { ids, why });
  }
}

function byTask(rows: readonly DeadLetterRow[]): readonly (readonly DeadLetterRow[])[] {
  return [...Map.groupBy(rows, ({ task }) => task).values()];
}
