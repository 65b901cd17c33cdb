import type { JobEvent } from "../harness/history.ts";
import { until } from "../harness/until.ts";
import type { Stop } from "./fixtures.ts";
import type { Added, Stage } from "./stage.ts";

/** What became of a job: its task ran, or a plugin stopped it, or it never appeared. */
export interface Fate {
  readonly kind: "ran" | "absent" | Stop;
  /** The event that told of it; none when the row alone shows it. */
  readonly event?: JobEvent | undefined;
  /** Why, as far as is known. */
  readonly reason?: { readonly plugin: string; readonly code: string; readonly message: string };
}

const EVENTS: Partial<Record<JobEvent["name"], Stop>> = {
  "job:deferred": "defer",
  "job:skipped": "skip",
  "job:exhausted": "fail",
};

/**
 * Waits until it is clear what becomes of the only job on a stage.
 *
 * @param added - what adding it gave; undefined when it was added behind the core's back
 * @returns undefined when it was not clear in time
 */
export async function fateOf(stage: Stage, added?: Added): Promise<Fate | undefined> {
  if (added?.status === "dropped") return { kind: "drop", reason: added.reason };
  if (added?.status === "rejected") {
    const { reason } = added.error as { readonly reason?: Fate["reason"] };
    return { kind: "reject", ...(reason && { reason }) };
  }
  const { harness, subject } = stage;
  return until(() => look(stage, added?.id), {
    timeoutMs: subject.timeoutMs,
    onChange: harness.onChange,
  });
}

async function look({ harness, script }: Stage, id: string | undefined): Promise<Fate | undefined> {
  const rows = await harness.worker.engine.peek({
    tasks: script.tasks.map(({ identifier }) => identifier),
    limit: 10,
  });
  // A task that runs must be over: whoever adds a job next shall meet the plugin at rest.
  if (script.runs.length > 0)
    return harness.worker.jobsInProgress === 0 ? { kind: "ran" } : undefined;
  const event = harness.history.find(
    (one) => one.name in EVENTS && (id === undefined || one.id === id),
  );
  const [row] = rows;
  if (row?.state === "running") return undefined;
  if (event !== undefined) {
    const { reason } = event;
    return { kind: EVENTS[event.name] as Stop, event, ...(reason && { reason }) };
  }
  // A row that was just moved is seen before the event that tells why: the run has then not ended yet.
  if (harness.worker.jobsInProgress > 0) return undefined;
  if (row === undefined) return { kind: "absent" };
  if (row.state === "held" || row.state === "scheduled") return { kind: "defer" };
  return row.state === "failed" ? { kind: "fail" } : undefined;
}
