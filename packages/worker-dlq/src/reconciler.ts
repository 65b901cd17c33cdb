import type { PluginHost, TaskInfo } from "@oppulence/worker-core";
import type { Mover } from "./mover.ts";
import type { Policies } from "./policies.ts";

/** Rows of the queue that one page looks at, and pages of one turn. */
const SCANNED = 2_000;
const PAGES = 10;
/** Jobs that one transaction moves. */
const BATCH = 500;
/** Jobs that a hook could not move and that are looked for first, and how often. */
const MAX_MISSED = 10_000;
const TRIES = 6;

/** What a {@link Reconciler} needs. */
export interface ReconcilerInput {
  readonly engine: Pick<PluginHost["engine"], "failed" | "ids">;
  readonly tasks: ReadonlyMap<string, TaskInfo>;
  readonly policies: Policies;
  readonly mover: Pick<Mover, "moveFailed">;
  readonly unknownTasks: boolean;
}

/**
 * Moves what no hook saw: a crash on the last attempt, `permanently_fail_jobs`, jobs that were failed before
 * the plugin was installed. Goes through the queue along its key, a bounded part each turn, so that its cost
 * does not grow with the backlog. Several workers may do so at once: a row is deleted, and so moved, once.
 */
export class Reconciler {
  readonly #input: ReconcilerInput;
  /** Jobs that a hook could not move, and how often they are still looked for. */
  readonly #missed = new Map<string, number>();
  #after = "0";

  constructor(input: ReconcilerInput) {
    this.#input = input;
  }

  /** A hook could not move these: they are moved at the next turn, however long the queue is. */
  missed(ids: readonly string[]): void {
    for (const id of ids) if (this.#missed.size < MAX_MISSED) this.#missed.set(id, TRIES);
  }

  /**
   * One turn.
   *
   * @returns how many jobs were moved
   */
  async turn(signal: AbortSignal): Promise<number> {
    let moved = await this.#moveMissed();
    for (let page = 0; page < PAGES && !signal.aborted; page++) {
      const { ids, next } = await this.#input.engine.failed(this.#after, SCANNED);
      moved += await this.#move(ids);
      this.#after = next;
      if (next === "0") break;
    }
    return moved;
  }

  /** The whole queue, once. @returns how many jobs were moved */
  async all(): Promise<number> {
    let moved = await this.#moveMissed();
    let after = "0";
    do {
      const { ids, next } = await this.#input.engine.failed(after, SCANNED);
      moved += await this.#move(ids);
      after = next;
    } while (after !== "0");
    return moved;
  }

  async #moveMissed(): Promise<number> {
    const ids = [...this.#missed.keys()];
    const moved = await this.#move(ids);
    for (const id of ids) {
      const left = (this.#missed.get(id) ?? 0) - 1;
      // Moved, retried by a person or gone: it need not be looked for for ever.
      if (left > 0) this.#missed.set(id, left);
      else this.#missed.delete(id);
    }
    return moved;
  }

  async #move(ids: readonly string[]): Promise<number> {
    let moved = 0;
    for (let at = 0; at < ids.length; at += BATCH) {
      const meant = await this.#meant(ids.slice(at, at + BATCH));
      if (meant.length > 0) moved += await this.#input.mover.moveFailed(meant);
    }
    return moved;
  }

  /** Those whose task has its failed jobs moved: a query only where some task has not. */
  async #meant(ids: readonly string[]): Promise<readonly string[]> {
    const { engine, tasks, policies, unknownTasks } = this.#input;
    const known = [...tasks.keys()];
    const limit = ids.length;
    if (!unknownTasks || !policies.fallback.enabled) {
      const on = known.filter((task) => policies.moves(task));
      return on.length === 0 ? [] : engine.ids({ ids, tasks: on, limit });
    }
    const off = known.filter((task) => !policies.moves(task));
    if (off.length === 0) return ids;
    const left = new Set(await engine.ids({ ids, tasks: off, limit }));
    return ids.filter((id) => !left.has(id));
  }
}
