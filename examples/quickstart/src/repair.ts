import type { DeadLetter, DLQManager } from "@oppulence/worker-dlq";
import type { RawRow } from "./data.ts";

/** The cause that can be repaired without asking anybody: a code that is no IATA code says that there is none. */
const REPAIRABLE = /schema: iata: [^;]*$/;

/**
 * Repairs one cause of failure, as an operator would: finds its group, and reprocesses it with better payloads.
 *
 * @returns how many jobs went back to the queue
 */
export async function repairCodes(dlq: DLQManager): Promise<number> {
  const groups = await dlq.groups({ task: "import_airport" });
  const group = groups.find(({ errorMessage }) => REPAIRABLE.test(errorMessage));
  if (group === undefined) return 0;
  const { requeued } = await dlq.reprocessDLQ({
    fingerprint: group.fingerprint,
    payload: ({ payload }: DeadLetter) => ({ ...(payload as RawRow), iata: null }),
  });
  return requeued;
}
