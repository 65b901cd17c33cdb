import { messageOf, validateOptions } from "@oppulence/worker-core";
import { type Limits, layOver, problemOf } from "./limits.ts";
import { partialLimitsSchema } from "./options.ts";
import type { Override } from "./store.ts";

/** An override that was read, and what it made of limits so far: the same limits give the same object. */
class Layer {
  readonly #limits: Limits;
  readonly #laid = new WeakMap<Limits, Limits>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  over(base: Limits): Limits {
    let laid = this.#laid.get(base);
    if (laid === undefined) {
      const next = layOver(base, this.#limits);
      // The limits below may have changed since it was set, so that the two do not go together any more.
      laid = problemOf(next) === undefined ? next : base;
      this.#laid.set(base, laid);
    }
    return laid;
  }
}

/** Layers of one limiter. */
interface Layers {
  all: Layer | undefined;
  readonly byKey: Map<string, Layer>;
}

/** Limits set at run time, as this process knows them: laid over the defined ones. */
export class Overrides {
  #layers: ReadonlyMap<string, Layers> = new Map();
  #list: readonly Override[] = [];
  #version = 0;

  /** Goes up with every change of what is known. */
  get version(): number {
    return this.#version;
  }

  /** All that are known, those that could not be read included. */
  get list(): readonly Override[] {
    return this.#list;
  }

  /**
   * Takes what the store has in place of what was known.
   *
   * @returns what is wrong with overrides that are passed over, such as those of another version; one sentence each
   */
  replace(list: readonly Override[]): string[] {
    const layers = new Map<string, Layers>();
    const problems: string[] = [];
    for (const override of list) {
      const { limiter, key } = override;
      try {
        const layer = new Layer(readPart(override.limits, whereOf(override)));
        const those = layers.get(limiter) ?? { all: undefined, byKey: new Map() };
        if (key === null) those.all = layer;
        else those.byKey.set(key, layer);
        layers.set(limiter, those);
      } catch (error) {
        problems.push(messageOf(error));
      }
    }
    if (JSON.stringify(list) !== JSON.stringify(this.#list)) this.#version += 1;
    this.#layers = layers;
    this.#list = list;
    return problems;
  }

  /**
   * Limits of a key: as defined, what is set for every key over them, what is set for this one over both.
   *
   * @param base - as defined for this key
   */
  over(limiter: string, key: string, base: Limits): Limits {
    const layers = this.#layers.get(limiter);
    if (layers === undefined) return base;
    const all = layers.all?.over(base) ?? base;
    return layers.byKey.get(key)?.over(all) ?? all;
  }
}

/**
 * Reads limits that are to lie over others.
 *
 * @throws InvalidOptionsError
 */
export function readPart(limits: unknown, where: string): Limits {
  return Object.freeze(validateOptions(partialLimitsSchema, limits, where));
}

function whereOf({ limiter, key }: Override): string {
  const of = key === null ? "" : `, key ${JSON.stringify(key)}`;
  return `limits of ${JSON.stringify(limiter)}${of} that were set at run time`;
}
