import type { Query } from "@oppulence/worker-core";
import type { WorkerEvents } from "graphile-worker";
import { until } from "./until.ts";

const TIMEOUT_MS = 5_000;

/**
 * Tells when graphile-worker hears of new jobs.
 *
 * It listens some time after it has started. A job that is added in between is only found by the next
 * poll, up to two seconds later, which would make tests slow at random.
 *
 * @param events - the emitter that the worker was given
 * @returns a function that waits until the worker hears; after five seconds it gives up, as polls do it too
 */
export function watchListening(events: WorkerEvents): (query: Query) => Promise<void> {
  let hears = false;
  const listeners = new Set<() => void>();
  const onNotification = () => {
    hears = true;
    for (const listener of listeners) listener();
  };
  events.on("pool:listen:notification", onNotification);
  return async (query) => {
    const look = async () => {
      if (hears) return true;
      // A notification of no jobs, which is heard and then ignored.
      await query(`select pg_notify('jobs:insert', '{"count":0}')`);
      return undefined;
    };
    const onChange = (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    await until(look, { timeoutMs: TIMEOUT_MS, onChange });
    events.off("pool:listen:notification", onNotification);
  };
}
