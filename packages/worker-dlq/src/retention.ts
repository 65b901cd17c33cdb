import { cutChunks } from "./chunks.ts";
import { ARCHIVED, type Deletion } from "./deletion.ts";
import type { Policies, Policy } from "./policies.ts";
import type { DlqStore, Sized } from "./postgres-store.ts";

/** Entries that one query looks at, and queries a task and turn. */
const PAGE = 500;
const PAGES = 20;

/** What a {@link Retention} needs. */
export interface RetentionInput {
  readonly store: Pick<DlqStore, "tasks" | "oldest" | "overCap">;
  readonly policies: Policies;
  readonly deletion: Deletion;
  readonly tasks: ReadonlyMap<string, unknown>;
}

/** Deletes what is too old or too many, a bounded part each turn: at most 10,000 entries of each task. */
export class Retention {
  readonly #input: RetentionInput;

  constructor(input: RetentionInput) {
    this.#input = input;
  }

  /** @returns how many entries were deleted */
  async turn(signal: AbortSignal): Promise<number> {
    const { store, policies, tasks } = this.#input;
    if (![policies.fallback, ...[...tasks.keys()].map(policies.of)].some(isLimited)) return 0;
    let deleted = 0;
    for (const task of await store.tasks()) {
      if (signal.aborted) break;
      const policy = policies.of(task);
      if (isLimited(policy)) deleted += await this.#sweep(task, policy, signal);
    }
    return deleted;
  }

  async #sweep(
    task: string,
    { ttlMs, cap, archive }: Policy,
    signal: AbortSignal,
  ): Promise<number> {
    const { store, deletion } = this.#input;
    const tooMany = cap === undefined ? undefined : await store.overCap(task, cap);
    const isTooMany = (id: string) => tooMany !== undefined && BigInt(id) <= BigInt(tooMany);
    let deleted = 0;
    let after = "0";
    for (let page = 0; page < PAGES && !signal.aborted; page++) {
      const rows = await store.oldest(task, after, ttlMs, PAGE);
      const due: Sized[] = rows.filter(({ id, expired }) => expired || isTooMany(id));
      for (const chunk of cutChunks(due, archive === undefined ? PAGE : ARCHIVED)) {
        if (signal.aborted) break;
        const { deleted: count } = await (archive === undefined
          ? deletion.remove(chunk, "retention")
          : deletion.archiveAndRemove(chunk, "retention", signal));
        deleted += count;
      }
      // Entries come in the order of their age: after one that may stay, all may.
      if (rows.length < PAGE || due.length < rows.length) break;
      after = rows.at(-1)?.id ?? after;
    }
    return deleted;
  }
}

function isLimited({ ttlMs, cap }: Policy): boolean {
  return ttlMs !== undefined || cap !== undefined;
}
