import type { Bench, Measurement } from "../bench.ts";
import type { Round } from "../results.ts";
import { roundOrder } from "../round-order.ts";

/** How a bench is run. */
export interface RunPlan {
  readonly bench: Bench;
  readonly cases: readonly string[];
  /** Rounds that count. */
  readonly rounds: number;
  readonly measureCase: (name: string, round: number) => Promise<Measurement>;
  /** Told before each measurement; round 0 is the warm-up. */
  readonly onProgress: (round: number, name: string) => void;
}

/**
 * Measures every case once a round, the rounds interleaved: see {@link roundOrder}.
 *
 * @returns the rounds that count; the first one warms files, caches and the server up, and is dropped
 */
export async function runBench(plan: RunPlan): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round <= plan.rounds; round++) {
    const measured = new Map<string, Measurement>();
    for (const name of roundOrder(plan.cases, round)) {
      plan.onProgress(round, name);
      measured.set(name, await plan.measureCase(name, round));
    }
    if (round > 0) rounds.push(measured);
  }
  return rounds;
}
