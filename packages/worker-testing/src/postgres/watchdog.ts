import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/** Ends an embedded server when the process that started it is gone, however it went. */
export interface Watchdog {
  /** Says which process to end; `undefined` when there is none at the moment. */
  watch(pid: number | undefined): void;
  /** Calls it off, once everything is cleaned up. */
  dismiss(): void;
}

// Reads pids until its input ends, which it does even if the owner is killed by SIGKILL.
const SCRIPT = `
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -QUIT "$pid"
  tries=0
  while [ $tries -lt 50 ] && kill -0 "$pid"; do sleep 0.1; tries=$((tries + 1)); done
fi
rm -rf "$@"
`;

/**
 * Starts a shell that waits for the end of this process, then ends the server and removes `folders`.
 *
 * No `exit` or signal handlers: those miss SIGKILL, change how the process answers to signals, and
 * would take the database away from the handlers of others that are still shutting down.
 */
export const startWatchdog = (folders: readonly string[]): Watchdog => {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...folders], {
    cwd: "/",
    detached: true, // out of reach of the terminal's Ctrl-C
    stdio: ["pipe", "ignore", "ignore"],
  });
  // It may be killed; what it would have done is then left to the reaper.
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  (shell.stdin as Socket).unref();
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ""}\n`),
    dismiss: () => void shell.stdin.end("\n"),
  };
};
