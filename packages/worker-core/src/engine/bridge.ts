import type { Job, Worker, WorkerEvents, WorkerPool } from "graphile-worker";
import type { EventMap, Events } from "../events.ts";
import { isDeferSignal, isSettled, isSkipped } from "./signal.ts";

/** Events of ours that are told from the engine's. */
const BRIDGED = [
  "job:started",
  "job:succeeded",
  "job:failed",
  "job:exhausted",
] as const satisfies readonly (keyof EventMap)[];

/**
 * Tells of started, succeeded and failed jobs from the engine's own events, so that jobs of tasks without
 * any hook are told of too. While nobody listens to ours, we do not listen to the engine's.
 *
 * @param pool - whose jobs; the emitter may be the user's, and shared
 * @returns a function that ends it
 */
export function bridgeEvents(source: WorkerEvents, pool: WorkerPool, target: Events): () => void {
  return target.whileListened(BRIDGED, () => listen(source, pool, target));
}

interface JobEvent {
  readonly job: Job;
  readonly worker: Worker;
}

function listen(source: WorkerEvents, pool: WorkerPool, target: Events): () => void {
  const startedAt = new WeakMap<Job, number>();
  const isOurs = (worker: Worker) => worker.workerPool === pool;
  const duration = (job: Job) => {
    const now = performance.now();
    return now - (startedAt.get(job) ?? now);
  };

  const onStart = ({ job, worker }: JobEvent) => {
    if (!isOurs(worker)) return;
    startedAt.set(job, performance.now());
    target.emit("job:started", { job });
  };
  const onSuccess = ({ job, worker }: JobEvent) => {
    if (!isOurs(worker) || isSkipped(job)) return;
    target.emit("job:succeeded", { job, durationMs: duration(job) });
  };
  const onError = ({ job, worker, error }: JobEvent & { readonly error: unknown }) => {
    if (!isOurs(worker) || isDeferSignal(error)) return;
    const durationMs = duration(job);
    if (job.attempts < job.max_attempts) target.emit("job:failed", { job, error, durationMs });
    else target.emit("job:exhausted", { job, error, taken: isSettled(job), durationMs });
  };
  source.on("job:start", onStart);
  source.on("job:success", onSuccess);
  source.on("job:error", onError);
  return () => {
    source.off("job:start", onStart);
    source.off("job:success", onSuccess);
    source.off("job:error", onError);
  };
}
