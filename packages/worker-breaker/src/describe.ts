import type { CircuitRecord } from "./record.ts";

/** Why calls of a dependency wait, since when, and until when: one sentence. */
export function describeBlock(dependency: string, record: CircuitRecord): string {
  const { state, since, probeAt, reason, actor, lastError } = record;
  const name = `dependency ${JSON.stringify(dependency)}`;
  const sinceText = new Date(since).toISOString();
  if (state === "forced-open")
    return `${name} is forced open since ${sinceText}${by(actor)}${reason === null ? "" : `: ${reason}`}`;
  const said = lastError === null ? "" : `; last error: ${lastError}`;
  if (state === "half-open") return `${name} is being probed since ${sinceText}${said}`;
  const next = probeAt === null ? "" : `, next probe at ${new Date(probeAt).toISOString()}`;
  return `${name} is open since ${sinceText} (${reason ?? "no reason given"})${next}${said}`;
}

function by(actor: string | null): string {
  return actor === null ? "" : ` by ${actor}`;
}
