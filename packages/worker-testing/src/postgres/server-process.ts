import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TestPostgresError } from "./errors.ts";
import { serverEnvironment } from "./server-environment.ts";
import { dataDirectory } from "./server-processes.ts";
import type { ServerUser } from "./server-user.ts";

const POLL_MS = 5;
const START_TIMEOUT_MS = 60_000;
const LOG_TAIL_CHARACTERS = 2_000;

/** What {@link startServerProcess} needs to know. */
export interface ServerProcessOptions {
  /** The run folder, with an initialised data directory. */
  readonly folder: string;
  /** The folder with `bin/postgres`. */
  readonly native: string;
  readonly port: number;
  readonly settings: readonly string[];
  readonly user: ServerUser | undefined;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** The server itself says when it is ready, in the eighth line of its pid file. */
const isReady = (folder: string, pid: number): boolean => {
  try {
    const lines = readFileSync(join(dataDirectory(folder), "postmaster.pid"), "utf8").split("\n");
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
  } catch {
    return false;
  }
};

const startError = (port: number, log: string): TestPostgresError => {
  if (/could not bind .* address/i.test(log)) {
    return new TestPostgresError(
      "PORT_IN_USE",
      `port ${port} on 127.0.0.1 is taken by another process`,
    );
  }
  const tail = log.slice(-LOG_TAIL_CHARACTERS).trim();
  return new TestPostgresError(
    "START_FAILED",
    `PostgreSQL did not start. Its log ends with:\n${tail}`,
  );
};

/**
 * Starts the server and waits until it takes connections.
 * @throws {@link TestPostgresError} `PORT_IN_USE` or `START_FAILED` with the end of the log
 */
export const startServerProcess = async (options: ServerProcessOptions): Promise<ChildProcess> => {
  const { folder, port, user } = options;
  const logFile = join(folder, "server.log");
  // A file, not a pipe: the server outlives this process if that is killed.
  const log = openSync(logFile, "w");
  const args = ["-D", dataDirectory(folder), "-p", String(port), ...options.settings];
  const child = spawn(join(options.native, "bin/postgres"), args, {
    ...user,
    env: serverEnvironment(),
    detached: true, // Ctrl-C is for the tests, not for their server
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  let failure = "";
  child.on("error", (error) => {
    failure = error.message;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.pid === undefined || !isReady(folder, child.pid)) {
    await delay(POLL_MS);
    if (failure || hasEnded(child))
      throw startError(port, failure || readFileSync(logFile, "utf8"));
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw startError(port, readFileSync(logFile, "utf8"));
    }
  }
  return child;
};

/** Ends the server; `fast` writes a checkpoint first, `immediate` leaves recovery to the next start. */
export const endServerProcess = async (
  child: ChildProcess,
  mode: "fast" | "immediate",
): Promise<void> => {
  if (hasEnded(child)) return;
  child.ref();
  const ended = once(child, "exit");
  child.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
  await ended;
};
