import {
  type DeferDecision,
  defer,
  type ProceedDecision,
  type RunInput,
} from "@oppulence/worker-core";
import type { Heartbeat } from "./heartbeat.ts";
import type { Lease } from "./lease.ts";
import { crashesOf, type Suspects } from "./suspects.ts";

type GateDecision = DeferDecision | ProceedDecision | undefined;

/**
 * The hook before every job: is its pool alive, and is the job a suspect? Synchronous where the answers are
 * yes and no.
 */
export function gate(
  heartbeat: Heartbeat,
  suspects: Suspects,
): (input: RunInput) => GateDecision | Promise<GateDecision> {
  const admit = (input: RunInput): GateDecision | Promise<GateDecision> => {
    const crashes = crashesOf(input);
    return crashes === 0 ? undefined : suspects.admit(input, crashes);
  };
  return (input) => {
    const lease = heartbeat.lease(input.job.locked_by);
    if (lease === undefined || lease.isHeld()) return admit(input);
    return confirm(heartbeat, lease).then((isHeld) => (isHeld ? admit(input) : giveBack(lease)));
  };
}

/** Asks the database whether a pool is still alive whose lease has run out by its own clocks. */
async function confirm(heartbeat: Heartbeat, lease: Lease): Promise<boolean> {
  // The first answer may be that to a beat from before the pause.
  for (let asked = 0; asked < 2 && !lease.lost && !lease.isHeld(); asked++) await heartbeat.beat();
  return lease.isHeld();
}

/** Where another pool has the job already, this matches nothing. */
function giveBack(lease: Lease): DeferDecision {
  return defer(
    { after: 0 },
    {
      code: "POOL_SILENT",
      message: `its pool ${lease.pool} was silent for longer than its lease, another one runs it`,
    },
  );
}
