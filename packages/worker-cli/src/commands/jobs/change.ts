import type { Client } from "@oppulence/worker-core";
import { EXIT } from "../../exit-codes.ts";
import type { CliIo } from "../../io/command-io.ts";
import type { Selection } from "./selection.ts";

/** Jobs that one statement changes. */
const BATCH = 1_000;
/** Jobs that people are shown one by one. */
const MAX_SHOWN = 20;

/** How a change is made and told. */
export interface Change {
  /** Done to a job: `retried`. */
  readonly done: string;
  /** Why a running job is left alone. */
  readonly running: string;
  /** Changes a batch. @returns ids of the jobs that were changed */
  readonly apply: (client: Client, ids: readonly string[]) => Promise<readonly string[]>;
}

interface Outcome extends Record<string, unknown> {
  readonly id: string;
  readonly task: string | null;
  /** What was done, or `unchanged`, or `not found`. */
  readonly result: string;
  readonly detail: string | null;
}

/**
 * Changes jobs, and says of each that was not changed why.
 *
 * @returns 0 when all were changed, 3 when there are none or none of them exists, otherwise 1
 */
export async function changeJobs(
  client: Client,
  { ids, stillMatching }: Selection,
  change: Change,
  io: CliIo,
): Promise<number> {
  if (ids.length === 0) return tellNothing(io);
  const changed = new Set<string>();
  const bar = io.progress(change.done, ids.length);
  try {
    for (let at = 0; at < ids.length; at += BATCH) {
      io.signal.throwIfAborted();
      const batch = ids.slice(at, at + BATCH);
      const meant = stillMatching === undefined ? batch : await stillMatching(batch);
      for (const id of await change.apply(client, meant)) changed.add(String(id));
      bar.update(Math.min(at + BATCH, ids.length));
    }
  } finally {
    bar.done();
  }
  const left = await explainUnchanged(
    client,
    ids.filter((id) => !changed.has(id)),
    change,
  );
  tell(ids, changed, left, change, io);
  return exitCodeOf(ids, changed, left);
}

function tellNothing(io: CliIo): number {
  if (io.json) io.data([]);
  else io.line("no job matches");
  return EXIT.nothing;
}

async function explainUnchanged(
  client: Client,
  ids: readonly string[],
  change: Change,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = ids.slice(at, at + BATCH);
    const found = await client.engine.peek({ ids: batch, limit: batch.length });
    for (const { job, state } of found) {
      const detail = state === "running" ? change.running : "changed by somebody else meanwhile";
      outcomes.set(job.id, { id: job.id, task: job.task_identifier, result: "unchanged", detail });
    }
    for (const id of batch) {
      if (outcomes.has(id)) continue;
      const detail = "not in the queue: completed, removed, or never there";
      outcomes.set(id, { id, task: null, result: "not found", detail });
    }
  }
  return outcomes;
}

function tell(
  ids: readonly string[],
  changed: ReadonlySet<string>,
  left: ReadonlyMap<string, Outcome>,
  change: Change,
  io: CliIo,
): void {
  if (io.json) {
    io.data(ids.map((id) => left.get(id) ?? { id, result: change.done }));
    return;
  }
  const shown = [...left.values()].slice(0, MAX_SHOWN);
  if (shown.length > 0) io.table(shown, ["id", "task", "result", "detail"]);
  if (left.size > shown.length) io.line(`and ${left.size - shown.length} more`);
  io.line(`${change.done} ${changed.size} of ${ids.length}`);
}

function exitCodeOf(
  ids: readonly string[],
  changed: ReadonlySet<string>,
  left: ReadonlyMap<string, Outcome>,
): number {
  if (changed.size === ids.length) return EXIT.ok;
  const isGone = [...left.values()].every(({ result }) => result === "not found");
  return changed.size === 0 && isGone ? EXIT.nothing : EXIT.failed;
}
