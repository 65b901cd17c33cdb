import type { Clock, Engine } from "@oppulence/worker-core";
import type { RateLimitStore, Turn } from "./store.ts";

/** What {@link Turns} needs. */
export interface TurnsInput {
  readonly engine: Engine;
  readonly store: Pick<RateLimitStore, "leave">;
  readonly clock: Clock;
  /** Callers outside jobs, by the id they wait under. */
  readonly callers: Callers;
  readonly onError: (message: string, error: unknown) => void;
}

/** Who waits outside jobs. */
export interface Callers {
  /** @returns whether it waits in this process */
  wake(id: string): boolean;
}

/** A job whose turn has come may still be on its way back to the queue: it is looked for again after so long. */
const AGAIN_AFTER_MS = [5, 10, 20, 40, 80, 160, 320];
/** A caller comes by its own timer: one that was told so often, seconds apart, is gone. */
const MOST_CALLS = 3;
const MOST_CALLERS = 10_000;
const JOB_ID = /^\d+$/;

/** Has jobs' rows follow their turns. */
export class Turns {
  readonly #input: TurnsInput;
  readonly #underWay = new Set<Promise<void>>();
  /** How often callers of other processes were told. */
  readonly #told = new Map<string, number>();

  constructor(input: TurnsInput) {
    this.#input = input;
  }

  /** Never rejects: a turn that could not be told is told again when its bucket is tended. */
  tell(turns: readonly Turn[]): Promise<void> {
    const jobs = turns.filter(({ id }) => JOB_ID.test(id));
    const gone = turns.filter(({ id }) => !JOB_ID.test(id) && this.#isGone(id));
    if (jobs.length === 0 && gone.length === 0) return Promise.resolve();
    const work = Promise.all([this.#move(jobs, 0), this.#leave(gone.map(({ id }) => id))]).then(
      () => {},
    );
    this.#underWay.add(work);
    return work.finally(() => this.#underWay.delete(work));
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #move(turns: readonly Turn[], attempt: number): Promise<void> {
    if (turns.length === 0) return;
    const { engine, clock, onError } = this.#input;
    try {
      const moved = new Set(await engine.moveTurns(turns));
      // Only those whose turn is now: a later one is early enough with the next look at its bucket.
      const left = turns.filter(({ id, inMs }) => inMs <= 0 && !moved.has(id));
      if (left.length === 0) return;
      const waitMs = AGAIN_AFTER_MS[attempt];
      if (waitMs === undefined) return await this.#leave(await this.#ended(left));
      await new Promise<void>((resolve) => clock.setTimeout(resolve, waitMs));
      await this.#move(left, attempt + 1);
    } catch (error) {
      onError("could not move jobs to their turns", error);
    }
  }

  /** Of jobs that could not be moved, those that will never come: removed, or failed for good. */
  async #ended(turns: readonly Turn[]): Promise<string[]> {
    const ids = turns.map(({ id }) => id);
    const alive = await this.#input.engine.ids({
      ids,
      states: ["ready", "scheduled", "held", "running"],
      limit: ids.length,
    });
    const known = new Set(alive);
    return ids.filter((id) => !known.has(id));
  }

  #isGone(id: string): boolean {
    if (this.#input.callers.wake(id)) return false;
    const told = (this.#told.get(id) ?? 0) + 1;
    this.#told.delete(id);
    if (told >= MOST_CALLS) return true;
    this.#told.set(id, told);
    if (this.#told.size > MOST_CALLERS) this.#told.delete(this.#told.keys().next().value as string);
    return false;
  }

  async #leave(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      const turns = await this.#input.store.leave(ids);
      await this.#move(
        turns.filter(({ id }) => JOB_ID.test(id)),
        0,
      );
      for (const { id } of turns) if (!JOB_ID.test(id)) this.#input.callers.wake(id);
    } catch (error) {
      this.#input.onError("could not take those who are gone out of their lines", error);
    }
  }
}
