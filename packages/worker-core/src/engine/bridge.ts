import type { Job, Worker, WorkerEvents, WorkerPool } from "graphile-worker";
import type { EventMap, Events } from "../events.ts";
import { isDeferSignal, isSettled } from "./signal.ts";

/** Events of ours that are told from the engine's. */
const BRIDGED = [
  "job:started",
  "job:succeeded",
  "job:failed",
  "job:exhausted",
] as const satisfies readonly (keyof EventMap)[];

/**
 * Tells of started, succeeded and failed jobs from the engine's own events, so that jobs of tasks without
 * any hook are told of too. Where nobody listens, the engine's listeners do next to nothing.
 *
 * @param pool - whose jobs; the emitter may be the user's, and shared
 * @returns a function that ends it
 */
export function bridgeEvents(source: WorkerEvents, pool: WorkerPool, target: Events): () => void {
  const startedAt = new WeakMap<Job, number>();
  const isOurs = (worker: Worker) => worker.workerPool === pool;
  const wanted = () => BRIDGED.some((name) => target.has(name));
  const duration = (job: Job) => performance.now() - (startedAt.get(job) ?? performance.now());

  const onStart = ({ job, worker }: { job: Job; worker: Worker }) => {
    if (!wanted() || !isOurs(worker)) return;
    startedAt.set(job, performance.now());
    target.emit("job:started", { job });
  };
  const onSuccess = ({ job, worker }: { job: Job; worker: Worker }) => {
    if (target.has("job:succeeded") && isOurs(worker))
      target.emit("job:succeeded", { job, durationMs: duration(job) });
  };
  const onError = ({ job, worker, error }: { job: Job; worker: Worker; error: unknown }) => {
    if (isDeferSignal(error) || !wanted() || !isOurs(worker)) return;
    if (job.attempts >= job.max_attempts)
      target.emit("job:exhausted", {
        job,
        error,
        taken: isSettled(job),
        durationMs: duration(job),
      });
    else target.emit("job:failed", { job, error, durationMs: duration(job) });
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
