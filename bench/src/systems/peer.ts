import type { CaseInput } from "../bench.ts";
import { type Drained, timeDrain, type Watch } from "./watch.ts";

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

/** Measures another system as `drain` measures the platform: see there. */
export async function drainPeer(input: CaseInput, peer: Peer): Promise<Drained> {
  const { jobs = 0, warmUp = 0 } = input.size;
  const once = async (count: number, measured: CaseInput["measured"]): Promise<Drained> => {
    await peer.fill(count);
    const drained = await timeDrain(count, peer.start, peer.untilDone, measured);
    await peer.pause();
    return drained;
  };
  if (warmUp > 0) await once(warmUp, (body) => body());
  const drained = await once(jobs, input.measured);
  await peer.close();
  return drained;
}
