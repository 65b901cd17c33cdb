import { stableHash } from "./cron/hash.ts";

/** How much later than its slot a run is due: the same whenever it is asked. */
export function jitterOf(key: string, slot: number, jitterMs = 0): number {
  return jitterMs < 1 ? 0 : stableHash(`${key}@${slot}`, Math.floor(jitterMs) + 1);
}
