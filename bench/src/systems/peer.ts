import type { CaseInput } from "../bench.ts";
import { countJobs } from "./job-counter.ts";

/** Another job system. */
export interface Peer {
  /** Removes what is there and adds jobs that do nothing. */
  fill(jobs: number): Promise<void>;
  /** Starts to run them; each calls `hit`. */
  start(hit: () => void): Promise<void>;
  /** Resolves once the store has the last completion. */
  untilDone(): Promise<void>;
  /** Stops to run jobs. */
  pause(): Promise<unknown>;
  /** Closes its connections. */
  close(): Promise<unknown>;
}

/** Jobs a second, measured as `drain` measures the platform: see there. */
export async function peerRate(input: CaseInput, peer: Peer): Promise<number> {
  const { jobs = 0, warmUp = 0 } = input.size;
  const drain = async (count: number, measured: CaseInput["measured"]): Promise<number> => {
    await peer.fill(count);
    const counter = countJobs(count);
    globalThis.gc?.();
    const endedAt = await measured(async () => {
      await peer.start(counter.hit);
      await counter.allRan;
      await peer.untilDone();
      return performance.now();
    });
    await peer.pause();
    return count / ((endedAt - counter.firstAt()) / 1_000);
  };
  if (warmUp > 0) await drain(warmUp, (body) => body());
  const rate = await drain(jobs, input.measured);
  await peer.close();
  return rate;
}
