import { didYouMean } from "@oppulence/worker-core";
import { definedLimits } from "./definitions.ts";
import { InvalidLimitsError, UnknownLimiterError } from "./errors.ts";
import { readKey } from "./key.ts";
import {
  bucketNames,
  describeLimits,
  type Limits,
  layOver,
  limiterOf,
  problemOf,
} from "./limits.ts";
import type { LimiterDefinition } from "./options.ts";
import { readPart } from "./overrides.ts";
import type { BucketState, Override, RateLimitStore } from "./store.ts";

/** Who changes limits, and why; kept with the change. */
export interface ByHand {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
}

/** A limiter, its buckets together. */
export interface LimiterView {
  readonly limiter: string;
  /** As defined; `by key` where a function says. */
  readonly limits: string;
  /** How many limits are set at run time. */
  readonly overrides: number;
  /** Keys in use that were looked at. */
  readonly keys: number;
  /** Of the fullest key: from 0 to 1. */
  readonly utilization: number;
  readonly running: number;
  readonly waiting: number;
}

/** What is set at run time, and what counts now. */
export interface LimiterDetails extends LimiterView {
  /** For one key: what holds for it; else undefined. */
  readonly effective: string | undefined;
  readonly set: readonly Override[];
  readonly buckets: readonly BucketState[];
}

/** `worker.plugins.rateLimit.limits`: limits at run time, for all processes. */
export interface LimitsApi {
  /** Every limiter of the configuration, and those that only the store knows. */
  list(): Promise<readonly LimiterView[]>;
  /** @throws UnknownLimiterError */
  show(
    limiter: string,
    query?: { readonly key?: string | undefined; readonly rows?: number | undefined },
  ): Promise<LimiterDetails>;
  /**
   * Sets limits over the defined ones, in every process within seconds, also for those who wait already. Rates replace
   * all rates, places replace places; what is not given stays.
   *
   * @param key - null for every key
   * @throws UnknownLimiterError, InvalidOptionsError, InvalidLimitsError; nothing is set then
   */
  set(limiter: string, key: string | null, limits: Limits, byHand?: ByHand): Promise<void>;
  /**
   * Takes back what was set.
   *
   * @returns whether anything was
   * @throws UnknownLimiterError
   */
  unset(limiter: string, key: string | null, byHand?: ByHand): Promise<boolean>;
  /**
   * Forgets what was counted, so that a full burst may start. Lines stay.
   *
   * @param key - undefined for every key
   * @returns how many buckets
   * @throws UnknownLimiterError
   */
  reset(limiter: string, key?: string): Promise<number>;
}

/** What {@link createLimits} needs. */
export interface LimitsInput {
  readonly store: Pick<
    RateLimitStore,
    "states" | "overrides" | "setOverride" | "deleteOverride" | "reset"
  >;
  /** Every limiter of the configuration, by name; asked each time, as it may change. */
  readonly definitions: () => ReadonlyMap<string, LimiterDefinition>;
}

const MOST_BUCKETS = 1_000;
const ROWS = 20;

/** Makes the API. */
export function createLimits({ store, definitions }: LimitsInput): LimitsApi {
  const statesOf = async (limiter: string, limit: number) =>
    distinct(
      (await Promise.all(bucketNames(limiter).map((name) => store.states(name, limit)))).flat(),
    );
  /** What was set stays reachable after its limiter is gone, to be taken back. */
  const assertKnown = async (limiter: string, orSet = false) => {
    if (definitions().has(limiter)) return;
    if (orSet && (await store.overrides()).some((each) => each.limiter === limiter)) return;
    throw new UnknownLimiterError(limiter, didYouMean(limiter, definitions().keys()));
  };

  return {
    async list() {
      const [states, set] = await Promise.all([
        store.states(undefined, MOST_BUCKETS),
        store.overrides(),
      ]);
      const names = new Set([
        ...definitions().keys(),
        ...states.map(limiterOf),
        ...set.map(({ limiter }) => limiter),
      ]);
      return [...names].map((name) =>
        viewOf(
          name,
          definitions().get(name),
          states.filter((state) => limiterOf(state) === name),
          set,
        ),
      );
    },
    async show(limiter, { key, rows = ROWS } = {}) {
      await assertKnown(limiter, true);
      const stored = key === undefined ? undefined : readKey(limiter, key);
      const [states, all] = await Promise.all([statesOf(limiter, MOST_BUCKETS), store.overrides()]);
      const definition = definitions().get(limiter);
      const set = all.filter((each) => each.limiter === limiter && concerns(each, stored));
      const buckets = states.filter((state) => stored === undefined || state.key === stored);
      return {
        ...viewOf(limiter, definition, buckets, set),
        effective:
          definition === undefined || stored === undefined
            ? undefined
            : describeLimits(effective(limiter, definition, stored, set)),
        set,
        buckets: [...buckets].sort(fullestFirst).slice(0, rows),
      };
    },
    async set(limiter, key, limits, { actor, reason } = {}) {
      await assertKnown(limiter);
      const part = readPart(limits, `limits of ${limiter}`);
      const stored = key === null ? null : readKey(limiter, key);
      assertFits(limiter, definitions().get(limiter), stored, part);
      await store.setOverride({
        limiter,
        key: stored,
        limits: part,
        actor: actor ?? null,
        reason: reason ?? null,
      });
    },
    async unset(limiter, key, { actor, reason } = {}) {
      await assertKnown(limiter, true);
      const stored = key === null ? null : readKey(limiter, key);
      return store.deleteOverride(limiter, stored, {
        actor: actor ?? null,
        reason: reason ?? null,
      });
    },
    async reset(limiter, key) {
      await assertKnown(limiter, true);
      const stored = key === undefined ? undefined : readKey(limiter, key);
      let buckets = 0;
      for (const name of bucketNames(limiter)) buckets += await store.reset(name, stored);
      return buckets;
    },
  };
}

/** Refuses limits that do not go with the defined ones: they would be passed over. */
function assertFits(
  limiter: string,
  definition: LimiterDefinition | undefined,
  key: string | null,
  part: Limits,
): void {
  if (definition === undefined) return;
  // What a function says of every key is not known.
  if (definition.limits !== undefined && key === null) return;
  const problem = problemOf(layOver(definedLimits(limiter, definition, key ?? ""), part));
  if (problem !== undefined) throw new InvalidLimitsError(limiter, problem);
}

function effective(
  limiter: string,
  definition: LimiterDefinition,
  key: string,
  set: readonly Override[],
): Limits {
  const layers = [...set].sort((a, b) => Number(a.key !== null) - Number(b.key !== null));
  return layers.reduce(
    (limits, each) => layOver(limits, readPart(each.limits, `limits of ${limiter}`)),
    definedLimits(limiter, definition, key),
  );
}

function concerns(override: Override, key: string | undefined): boolean {
  return key === undefined || override.key === null || override.key === key;
}

function viewOf(
  limiter: string,
  definition: LimiterDefinition | undefined,
  states: readonly BucketState[],
  set: readonly Override[],
): LimiterView {
  const defined =
    definition?.limits === undefined ? definition && describeLimits(definition) : "by key";
  return {
    limiter,
    limits: defined ?? "not in this configuration",
    overrides: set.filter((each) => each.limiter === limiter).length,
    keys: new Set(states.map(({ key }) => key)).size,
    utilization: states.reduce((most, each) => Math.max(most, each.utilization), 0),
    running: states.reduce((sum, each) => sum + (each.running ?? 0), 0),
    waiting: states.reduce((sum, each) => sum + each.waiting, 0),
  };
}

/** A store may take a limiter's name for all its buckets. */
function distinct(states: readonly BucketState[]): BucketState[] {
  return [...new Map(states.map((state) => [`${state.limiter}\0${state.key}`, state])).values()];
}

function fullestFirst(a: BucketState, b: BucketState): number {
  return b.waiting - a.waiting || b.utilization - a.utilization;
}
