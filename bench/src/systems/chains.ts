/** A system that runs chains of steps that do nothing but return a number. */
export interface Chains {
  /** Starts so many and resolves once the last one's end is in the store. */
  run(chains: number): Promise<void>;
  stop(): Promise<void>;
}

/** Chains, or their steps, that are under way at once. */
export const CHAINS_AT_ONCE = 24;
