import type { Job } from "./contract/job.ts";
import type { Explanation } from "./contract/plugin.ts";
import type { TaskInfo } from "./contract/task.ts";
import { isEndless } from "./engine/hold.ts";
import type { JobState, Note } from "./engine/read.ts";
import { messageOf } from "./errors.ts";
import { assertJobId } from "./job-id.ts";
import { type Flags, fromFlags } from "./labels.ts";
import { within } from "./pipeline/hook.ts";
import { plainSource } from "./pipeline/run-task.ts";
import type { Runtime } from "./runtime.ts";

const PLUGIN_TIMEOUT_MS = 2_000;

/** Why a job is not running, who blocks it, and when it will run. */
export interface JobExplanation {
  readonly id: string;
  /** `gone`: completed, removed, or never there. */
  readonly state: JobState | "gone";
  /** One sentence that sums it up. */
  readonly summary: string;
  readonly job: (Job & { readonly queue_name: string | null }) | undefined;
  readonly note: Note | undefined;
  /** What each plugin has to say, those that block first. */
  readonly plugins: readonly (Explanation & { readonly plugin: string })[];
  /** When the job is due at the earliest, if that is known. */
  readonly until: Date | undefined;
}

/** Puts the row, its note and every plugin's word into one answer. */
export async function explainJob(runtime: Runtime, id: string): Promise<JobExplanation> {
  assertJobId(id, "explain");
  const record = await runtime.engine.get(id);
  if (record === undefined) {
    const note = await runtime.engine.note(id);
    return {
      id,
      state: "gone",
      summary: goneSummary(note),
      job: undefined,
      note,
      plugins: [],
      until: undefined,
    };
  }
  const { job, state, note } = record;
  const plugins = await askPlugins(runtime, job);
  plugins.sort((a, b) => Number(b.blocking) - Number(a.blocking));
  const isOpen = state === "failed" || state === "running" || isEndless(job.run_at);
  const until = isOpen ? undefined : latest(job.run_at, plugins);
  return { id, state, summary: summarize(runtime, record, plugins[0]), job, note, plugins, until };
}

function taskOf({ composition, plainTasks }: Runtime, identifier: string): TaskInfo | undefined {
  const plain = plainTasks.get(identifier);
  return plain === undefined
    ? composition.tasks.get(identifier)
    : plainSource(identifier, plain).info;
}

async function askPlugins(
  runtime: Runtime,
  job: Job,
): Promise<(Explanation & { plugin: string })[]> {
  const input = {
    job,
    labels: fromFlags(job.flags as Flags),
    task: taskOf(runtime, job.task_identifier),
  };
  const asked = runtime.composition.installed.map(async ({ plugin, instance, enabled }) => {
    if (!enabled || instance.explain === undefined) return [];
    try {
      const pending = Promise.resolve(instance.explain(input));
      const answer = await within(pending, PLUGIN_TIMEOUT_MS, plugin.name, "explain");
      // Explanations written in JavaScript say null, too.
      return answer === undefined || answer === null ? [] : [{ ...answer, plugin: plugin.name }];
    } catch (error) {
      return [
        { plugin: plugin.name, code: "EXPLAIN_FAILED", message: messageOf(error), blocking: false },
      ];
    }
  });
  return (await Promise.all(asked)).flat();
}

function latest(runAt: Date, plugins: readonly Explanation[]): Date {
  const blocking = plugins
    .filter((one) => one.blocking && one.until !== undefined)
    .map(({ until }) => until as Date);
  return [runAt, ...blocking].reduce((a, b) => (a > b ? a : b));
}

function goneSummary(note: Note | undefined): string {
  if (note?.kind === "skipped") return `skipped by ${note.plugin}: ${note.message}`;
  return "not in the queue: completed, removed, or never added";
}

function summarize(
  runtime: Runtime,
  {
    job,
    state,
    note,
  }: { job: Job & { queue_name: string | null }; state: JobState; note: Note | undefined },
  first: (Explanation & { plugin: string }) | undefined,
): string {
  const isWaiting = state !== "running" && state !== "failed";
  if (isWaiting && first?.blocking === true)
    return `held back by ${first.plugin}: ${first.message}`;
  switch (state) {
    case "running":
      return `running in pool ${job.locked_by}, since ${job.locked_at?.toISOString()}`;
    case "failed":
      return note?.kind === "exhausted"
        ? `failed for good, ${note.plugin} left it no further attempt (${note.message}): ${job.last_error ?? "no error recorded"}`
        : `failed for good after ${job.attempts} of ${job.max_attempts} attempts: ${job.last_error ?? "no error recorded"}`;
    case "held":
      return `held by ${note?.plugin}: ${note?.message}`;
    case "scheduled":
      if (note !== undefined && note.until?.getTime() === job.run_at.getTime()) {
        return `deferred by ${note.plugin} until ${job.run_at.toISOString()}: ${note.message}`;
      }
      if (job.attempts > 0)
        return `waits for attempt ${job.attempts + 1} at ${job.run_at.toISOString()}, after: ${job.last_error}`;
      return `scheduled for ${job.run_at.toISOString()}`;
    case "ready":
      if (taskOf(runtime, job.task_identifier) === undefined) {
        return `ready, but this worker has no task ${JSON.stringify(job.task_identifier)}`;
      }
      return job.queue_name === null
        ? "ready: it runs as soon as a worker has room"
        : `ready: it runs as soon as a worker has room and queue ${JSON.stringify(job.queue_name)} is free`;
  }
}
