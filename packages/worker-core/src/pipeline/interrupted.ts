import type { Job } from "../contract/job.ts";
import { DeferSignal } from "../engine/signal.ts";
import type { RunShared } from "./run-task.ts";

const REASON = {
  plugin: "core",
  code: "INTERRUPTED",
  message: "the worker stopped while it ran",
} as const;

/**
 * Sends a job back whose task threw after a stop had its signal aborted: no attempt is spent.
 *
 * @throws DeferSignal always, towards the engine
 */
export async function giveBackInterrupted(shared: RunShared, job: Job): Promise<never> {
  const copy = { ...job };
  await shared.engine.defer(job, { after: 0 }, REASON);
  (job as { attempts: number }).attempts -= 1;
  shared.events.emit("job:interrupted", { job: copy });
  throw new DeferSignal(REASON);
}
