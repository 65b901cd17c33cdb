#!/usr/bin/env node
import { InterruptedError } from "./errors.ts";
import { messageOf } from "./message-of.ts";
import { redact } from "./redact.ts";
import { runCli } from "./run-cli.ts";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

const stop = new AbortController();
for (const signal of SIGNALS) {
  process.on(signal, () => {
    if (!stop.signal.aborted) return stop.abort(new InterruptedError(signal));
    // The second one means now: as if nobody had caught it.
    for (const each of SIGNALS) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
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
