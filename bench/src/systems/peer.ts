import type { CaseInput } from "../bench.ts";
import { type Drained, drainRepeatedly, timeDrain, type Watch } from "./watch.ts";

/** Another job system. */
export interface Peer {
  /** Removes what is there and adds jobs that do nothing. */
  fill(jobs: number): Promise<void>;
  /** Starts to run them. */
  start(watch: Watch): Promise<void>;
  /** Resolves once the store has the last completion. */
  untilDone(): Promise<void>;
  /** Stops to run jobs. */
  pause(): Promise<unknown>;
  /** Closes its connections. */
  close(): Promise<unknown>;
}

/** Measures another system as `drain` measures the platform. */
export async function drainPeer(input: CaseInput, peer: Peer): Promise<Drained> {
  const drained = await drainRepeatedly(input, async (jobs) => {
    await peer.fill(jobs);
    const once = await timeDrain(jobs, peer.start, peer.untilDone);
    await peer.pause();
    return once;
  });
  await peer.close();
  return drained;
}
