import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { commandLineOf, isAlive } from "./process-identity.ts";

const POLL_MS = 10;
const GRACE_MS = 5_000;

/** Where a run folder keeps the server's data. */
export const dataDirectory = (folder: string): string => join(folder, "data");

/** Where the pid of `initdb` is kept while it runs. */
export const initdbPidFile = (folder: string): string => join(folder, "initdb.pid");

const pidIn = (file: string): number | undefined => {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
};

/** A pid file outlives its process, and pids are reused: only the data directory in its arguments is proof. */
const serves = (pid: number, folder: string): boolean =>
  isAlive(pid) && (commandLineOf(pid)?.includes(` -D ${dataDirectory(folder)} `) ?? false);

/** The server, or the `initdb`, that is running on the folder's data. */
const processesOf = (folder: string): number[] => {
  const files = [join(dataDirectory(folder), "postmaster.pid"), initdbPidFile(folder)];
  return files.map(pidIn).filter((pid) => pid !== undefined && serves(pid, folder)) as number[];
};

/** Ends what runs on the folder's data, without a checkpoint and, after 5 seconds, without mercy. */
export const endProcessesOf = async (folder: string): Promise<void> => {
  const ended = async (pid: number, signal: NodeJS.Signals): Promise<boolean> => {
    const deadline = Date.now() + GRACE_MS;
    process.kill(pid, signal);
    while (serves(pid, folder)) {
      if (Date.now() > deadline) return false;
      await delay(POLL_MS);
    }
    return true;
  };
  for (const pid of processesOf(folder)) {
    if (!(await ended(pid, "SIGQUIT"))) await ended(pid, "SIGKILL");
  }
};
