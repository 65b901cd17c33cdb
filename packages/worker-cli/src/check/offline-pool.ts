import type { WorkerOptions } from "@oppulence/worker-core";

type Pool = NonNullable<WorkerOptions["pool"]>;

/** Message of what the offline pool throws; tells it from a real failure. */
export const OFFLINE = "there is no database here";

/** Stands in for a pool where none may be used: whatever asks it for a connection gets an error. */
export function offlinePool(): Pool {
  const refuse = () => Promise.reject(new Error(OFFLINE));
  const pool = {
    ended: false,
    options: {},
    connect: refuse,
    query: refuse,
    end: () => Promise.resolve(),
    on: () => pool,
    off: () => pool,
    once: () => pool,
    listeners: () => [],
    removeListener: () => pool,
  };
  return pool as unknown as Pool;
}
