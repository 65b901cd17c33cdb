import type { TaskInfo } from "@oppulence/worker-core";
import { parseDuration } from "@oppulence/worker-core";
import { definedLimits, limiterNames } from "./definitions.ts";
import { InvalidLimitsError, UnknownLimiterError } from "./errors.ts";
import { keyOf } from "./key.ts";
import { bucketsOf } from "./limits.ts";
import type { LimitedJob, LimiterDefinition } from "./options.ts";
import type { Overrides } from "./overrides.ts";
import type { Registry } from "./registry.ts";
import { type Bucket, type Demand, inOrder } from "./store.ts";
import { fitOf, misfitOf, unitsOf } from "./units.ts";

/** One limiter that a job, or a call, has to pass. */
export interface Use {
  readonly limiter: string;
  readonly key: string;
  readonly definition: LimiterDefinition;
}

/** Limiters that are asked together: all of them let it go, or none. */
export interface Group {
  readonly demands: readonly Demand[];
  /** Whose demand each is. */
  readonly uses: readonly Use[];
  readonly hasPlaces: boolean;
  /** The shortest `maxWait`; infinite without one. */
  readonly maxWaitMs: number;
}

/** What a job has to ask for. */
export interface Ask {
  /** Limiters that have it wait. */
  readonly waiting: Group | undefined;
  /** Limiters that drop or fail it: asked once the others have let it go. */
  readonly immediate: Group | undefined;
  /** Limiters that only count, each by itself. */
  readonly dry: readonly Group[];
}

interface Limiter {
  readonly name: string;
  readonly definition: LimiterDefinition;
}

/** A task's limiters, and what they ask of every job where no function says otherwise. */
interface Plan {
  readonly limiters: readonly Limiter[];
  readonly isConstant: boolean;
  ask: Ask | undefined;
}

/** Says what a job asks for. Synchronous; for a task whose limiters have no functions it is one object for all jobs. */
export class Asks {
  readonly #registry: Registry;
  readonly #overrides: Overrides;
  #plans = new WeakMap<TaskInfo, Plan>();
  #registryVersion = -1;
  #overridesVersion = -1;

  constructor(registry: Registry, overrides: Overrides) {
    this.#registry = registry;
    this.#overrides = overrides;
  }

  /**
   * What a job asks for.
   *
   * @throws RateLimitKeyError, RateLimitUnitsError: the job can never start
   * @throws InvalidLimitsError: not as things are
   */
  of(task: TaskInfo, payload: unknown, job: LimitedJob): Ask {
    const plan = this.#planOf(task);
    if (plan.ask !== undefined) return plan.ask;
    const ask = askOf(
      plan.limiters.map(({ name, definition }) => ({
        definition,
        ...this.#demandsOf(name, definition, payload, job),
      })),
    );
    if (plan.isConstant) plan.ask = ask;
    return ask;
  }

  /**
   * What a call outside jobs asks of one limiter.
   *
   * @throws UnknownLimiterError, RateLimitUnitsError, InvalidLimitsError
   */
  ofCall(limiter: string, key: string, units: number, hint: () => string): Group {
    const definition = this.#registry.definitions.get(limiter);
    if (definition === undefined) throw new UnknownLimiterError(limiter, hint());
    const buckets = this.#bucketsOf(limiter, definition, key, units);
    return groupOf([{ definition, ...demandsOf(limiter, key, definition, buckets, units) }]);
  }

  /**
   * A bucket by its name and key, with the rule that holds for it now.
   *
   * @returns undefined when no limiter of this configuration has it
   */
  bucket(limiter: string, name: string, key: string): Bucket | undefined {
    const definition = this.#registry.definitions.get(limiter);
    if (definition === undefined) return undefined;
    return this.#rulesOf(limiter, definition, key).find((bucket) => bucket.limiter === name);
  }

  #planOf(task: TaskInfo): Plan {
    if (
      this.#registryVersion !== this.#registry.version ||
      this.#overridesVersion !== this.#overrides.version
    ) {
      this.#plans = new WeakMap();
      this.#registryVersion = this.#registry.version;
      this.#overridesVersion = this.#overrides.version;
    }
    let plan = this.#plans.get(task);
    if (plan === undefined) {
      const limiters = limiterNames(task).map((name) => {
        const definition = this.#registry.definitions.get(name);
        if (definition === undefined) throw new InvalidLimitsError(name, "nobody defines it");
        return { name, definition };
      });
      plan = { limiters, isConstant: limiters.every(isConstant), ask: undefined };
      this.#plans.set(task, plan);
    }
    return plan;
  }

  #demandsOf(name: string, definition: LimiterDefinition, payload: unknown, job: LimitedJob) {
    const key = keyOf(name, definition, payload, job);
    const units = unitsOf(name, definition, payload, job);
    const buckets = this.#bucketsOf(name, definition, key, units);
    return demandsOf(name, key, definition, buckets, units);
  }

  #bucketsOf(
    name: string,
    definition: LimiterDefinition,
    key: string,
    units: number,
  ): readonly Bucket[] {
    const buckets = this.#rulesOf(name, definition, key);
    if (units === 1) return buckets;
    const defined = () => bucketsOf(name, key, definedLimits(name, definition, key));
    const fit = fitOf(units, buckets, defined);
    if (fit === "never") throw misfitOf(name, units, buckets);
    if (fit === "not-now")
      throw new InvalidLimitsError(
        name,
        `${units} units do not start while a smaller burst is set at run time`,
      );
    return buckets;
  }

  #rulesOf(name: string, definition: LimiterDefinition, key: string): readonly Bucket[] {
    const limits = this.#overrides.over(name, key, definedLimits(name, definition, key));
    return bucketsOf(name, key, limits);
  }
}

interface Demanded {
  readonly definition: LimiterDefinition;
  readonly use: Use;
  readonly demands: readonly Demand[];
}

function demandsOf(
  limiter: string,
  key: string,
  definition: LimiterDefinition,
  buckets: readonly Bucket[],
  units: number,
): Omit<Demanded, "definition"> {
  return {
    use: { limiter, key, definition },
    demands: buckets.map((bucket) => ({
      bucket,
      units: bucket.rule.kind === "rate" ? units : 1,
      lease: 0,
    })),
  };
}

function askOf(demanded: readonly Demanded[]): Ask {
  const enforced = demanded.filter(({ definition }) => definition.mode !== "dryRun");
  const waits = ({ definition }: Demanded) => (definition.onLimit ?? "defer") === "defer";
  const some = (list: readonly Demanded[]) => (list.length === 0 ? undefined : groupOf(list));
  return {
    waiting: some(enforced.filter(waits)),
    immediate: some(enforced.filter((each) => !waits(each))),
    dry: demanded
      .filter(({ definition }) => definition.mode === "dryRun")
      .map((each) => groupOf([each])),
  };
}

function groupOf(demanded: readonly Demanded[]): Group {
  const pairs = demanded
    .flatMap(({ use, demands }) => demands.map((demand) => ({ use, demand })))
    .sort((a, b) => inOrder(a.demand, b.demand));
  return {
    demands: pairs.map(({ demand }) => demand),
    uses: pairs.map(({ use }) => use),
    hasPlaces: pairs.some(({ demand }) => demand.bucket.rule.kind === "places"),
    maxWaitMs: Math.min(...demanded.map(({ definition }) => maxWaitOf(definition))),
  };
}

function maxWaitOf({ maxWait }: LimiterDefinition): number {
  return maxWait === undefined ? Number.POSITIVE_INFINITY : parseDuration(maxWait, "maxWait");
}

function isConstant({ definition: { key, units, limits } }: Limiter): boolean {
  return key === undefined && units === undefined && limits === undefined;
}
