#!/usr/bin/env node
import { constants } from "node:os";
import { InterruptedError } from "./errors.ts";
import { messageOf } from "./message-of.ts";
import { redact } from "./redact.ts";
import { runCli } from "./run-cli.ts";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

const stop = new AbortController();
for (const signal of SIGNALS) {
  process.on(signal, () => {
    if (stop.signal.aborted) endNow(signal);
    else stop.abort(new InterruptedError(signal));
  });
}

/** The second signal means now: the process ends by it, as if nobody had caught it. */
function endNow(signal: Signal): void {
  for (const each of SIGNALS) process.removeAllListeners(each);
  process.kill(process.pid, signal);
  // Nothing ends the first process of a container by a signal that it does not catch.
  setImmediate(() => process.exit(128 + constants.signals[signal]));
}

/** What escapes a command is told like any other error. What escapes a task is for Node to tell, with its stack. */
function catchStrays(command: string): void {
  if (command === "run") return;
  process.on("uncaughtException", (error) => {
    process.stderr.write(`error: ${redact(messageOf(error))}\n`);
    process.exit(1);
  });
}

const code = await runCli(process.argv.slice(2), { signal: stop.signal, onCommand: catchStrays });
// Pools and timers of the application may be open still; the output has been written.
process.exit(code);
