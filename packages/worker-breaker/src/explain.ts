import type { ExplainInput, Explanation } from "@oppulence/worker-core";
import type { Circuit } from "./circuit.ts";
import type { Circuits } from "./circuits.ts";
import { dependencyOf } from "./dependencies.ts";
import { describeBlock } from "./describe.ts";
import { isBlocking } from "./record.ts";

/** What a job's circuit has to do with its waiting; asks the store where this process does not know yet. */
export async function explainBreaker(
  { task, job }: ExplainInput,
  circuits: Circuits,
): Promise<Explanation | undefined> {
  const wanted = task && dependencyOf(task);
  const circuit = wanted && circuits.all.get(wanted.dependency);
  if (circuit === undefined || job.locked_at !== null) return undefined;
  await circuits.refresh([circuit.name]);
  return explanationOf(circuit, wanted?.alwaysAttempt ?? false);
}

function explanationOf(
  { name, record, settings }: Circuit,
  alwaysAttempt: boolean,
): Explanation | undefined {
  if (record === undefined || !settings.enabled) return undefined;
  if (!isBlocking(record.state)) {
    if (!record.parked || alwaysAttempt) return undefined;
    const message = `dependency ${JSON.stringify(name)} works again since ${new Date(record.since).toISOString()}: its jobs come back step by step`;
    return { code: "CIRCUIT_CLOSING", message, blocking: false };
  }
  const until = record.probeAt === null ? {} : { until: new Date(record.probeAt) };
  const message = describeBlock(name, record);
  return { code: "CIRCUIT_OPEN", message, blocking: !alwaysAttempt, ...until };
}
