import type { Client, JobExplanation, JobRecord, JobState } from "@oppulence/worker-core";
import { HarnessTimeoutError } from "./errors.ts";
import type { History, JobEvent, JobEventName } from "./history.ts";
import {
  describeSelection,
  type JobSelector,
  type Selection,
  selects,
  toSelection,
} from "./selector.ts";
import { until } from "./until.ts";

/**
 * What a job can be waited for.
 *
 * - `ready`, `scheduled`, `held`, `running`, `failed`: what its row says, whoever brought it there
 * - `gone`: it has no row (any more)
 * - `started`: a worker has claimed it at least once
 * - `succeeded`: its task returned and the row is gone
 * - `skipped`: a plugin skipped it and the row is gone
 * - `deferred`: a plugin has deferred it, and the row is back in the queue
 * - `retrying`: an attempt failed, another will follow, and the row is back in the queue
 *
 * The last five are told from the events of the harness's own worker since it was made.
 */
export type WaitState =
  | JobState
  | "gone"
  | "started"
  | "succeeded"
  | "skipped"
  | "deferred"
  | "retrying";

/** What {@link waitForJob} looks at. */
export interface Watched {
  readonly client: Pick<Client, "engine" | "explain">;
  readonly history: History;
  readonly timeoutMs: number;
}

const MANY = 1_000;
const EVENT_OF: Partial<Record<WaitState, JobEventName>> = {
  started: "job:started",
  succeeded: "job:succeeded",
  skipped: "job:skipped",
  deferred: "job:deferred",
  retrying: "job:failed",
};

/**
 * Waits until a job is in a state.
 *
 * @returns what `explain` says of it then
 * @throws HarnessTimeoutError with what `explain` says of it when the time is up
 */
export async function waitForJob(
  selector: JobSelector,
  state: WaitState,
  watched: Watched,
): Promise<JobExplanation> {
  const selection = toSelection(selector);
  if ("dropped" in selection) {
    const { plugin, message } = selection.dropped.reason;
    throw new Error(
      `cannot wait for a job to be ${state}: it was dropped by ${plugin} and never added (${message})`,
    );
  }
  const { client, history, timeoutMs } = watched;
  const found = await until(() => look(selection, state, watched), {
    timeoutMs,
    onChange: history.onChange,
  });
  if (found !== undefined) return client.explain(found);
  throw await timedOut(selection, state, watched);
}

/** The id of a job that is in the state. `"0"`, which no job has, stands for one that was never seen. */
async function look(
  selection: Selection,
  state: WaitState,
  { client, history }: Watched,
): Promise<string | undefined> {
  const records = await recordsOf(selection, client);
  const events = history.events.filter((event) => selects(selection, event));
  if (state === "gone") {
    if (records.length > 0) return undefined;
    return "id" in selection ? selection.id : (events.at(-1)?.id ?? "0");
  }
  const name = EVENT_OF[state];
  if (name === undefined) return records.find((record) => record.state === state)?.job.id;
  const rows = new Map(records.map((record) => [record.job.id, record]));
  return events.find((event) => event.name === name && isSettled(state, rows.get(event.id)))?.id;
}

/** Whether the row shows what an event announced: the engine writes after it tells. */
function isSettled(state: WaitState, record: JobRecord | undefined): boolean {
  switch (state) {
    case "succeeded":
    case "skipped":
      return record === undefined;
    case "deferred":
    case "retrying":
      return record?.state !== "running";
    default:
      return true;
  }
}

function recordsOf(selection: Selection, { engine }: Watched["client"]): Promise<JobRecord[]> {
  if ("id" in selection) return engine.peek({ ids: [selection.id], limit: 1 });
  if ("dropped" in selection) return Promise.resolve([]);
  return engine.peek({ tasks: [selection.task], labels: selection.labels, limit: MANY });
}

async function timedOut(
  selection: Selection,
  state: WaitState,
  { client, history, timeoutMs }: Watched,
): Promise<HarnessTimeoutError> {
  const events = history.events.filter((event) => selects(selection, event));
  const records = await recordsOf(selection, client);
  const ids = new Set([
    ...("id" in selection ? [selection.id] : []),
    ...records.map(({ job }) => job.id),
    ...events.map(({ id }) => id),
  ]);
  const explanations = await Promise.all([...ids].slice(0, 3).map((id) => client.explain(id)));
  const message = [
    `waited ${timeoutMs} ms for ${describeSelection(selection)} to be ${state}`,
    ...(explanations.length === 0 ? ["  no such job was seen"] : explanations.map(describe)),
    `  what happened to it here: ${events.length === 0 ? "nothing" : events.slice(-8).map(printEvent).join(", ")}`,
  ];
  return new HarnessTimeoutError(message.join("\n"), explanations);
}

/** What `explain` says, on a line. */
export function describe({ id, state, summary }: JobExplanation): string {
  return `  job ${id} is ${state}: ${summary}`;
}

function printEvent({ name, reason, error }: JobEvent): string {
  const why =
    reason === undefined ? "" : ` by ${reason.plugin} (${reason.code}: ${reason.message})`;
  const threw =
    error === undefined ? "" : ` (${error instanceof Error ? error.message : String(error)})`;
  return `${name}${why}${threw}`;
}
