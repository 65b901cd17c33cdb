import { formatDuration, type Health, messageOf } from "@oppulence/worker-core";
import type { Heartbeat } from "./heartbeat.ts";

/** How well the pools of this process are. */
export function healthOf(heartbeat: Pick<Heartbeat, "leases" | "failure">): Health {
  const leases = heartbeat.leases();
  const held = leases.filter((lease) => lease.isHeld());
  const [first] = leases;
  if (first !== undefined && held.length === 0) {
    return {
      status: "down",
      detail: first.lost
        ? `pool ${first.pool} was declared dead; a new one has not started yet`
        : `pool ${first.pool} could not say for ${formatDuration(first.silentMs())} that it is alive; others take its jobs`,
    };
  }
  if (heartbeat.failure !== undefined)
    return { status: "degraded", detail: `the last beat failed: ${messageOf(heartbeat.failure)}` };
  const lost = leases.find((lease) => lease.lost);
  if (lost === undefined) return { status: "ok" };
  return {
    status: "degraded",
    detail: `pool ${lost.pool} was declared dead; tasks of it have not ended yet`,
  };
}
