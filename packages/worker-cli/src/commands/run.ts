import { createWorker, type Worker, type WorkerOptions } from "@oppulence/worker-core";
import type { CommandDefinition } from "../definition.ts";
import { EXIT } from "../exit-codes.ts";
import type { CliIo } from "../io/command-io.ts";
import { logTo } from "../logger.ts";
import { toWorkerOptions } from "../worker-options.ts";

/** `run`: a worker, until a signal stops it. */
export const runCommand: CommandDefinition = {
  name: "run",
  description:
    "run jobs until SIGTERM, SIGINT or SIGHUP; running jobs are waited for (stopTimeout), then the exit code is 0",
  examples: ["run", "run --config apps/worker/worker.config.ts"],
  async run({ io, session }) {
    const { options } = await session.config();
    const { env, connection } = session.input;
    const logger = io.json ? (options.logger ?? logTo(io.log, false)) : undefined;
    // The process is the CLI's: it stops the worker and lives on to tell how that went.
    const worker = createWorker({
      ...toWorkerOptions(options, { env, connection, logger }),
      handleSignals: false,
    });
    try {
      await worker.start();
      tellReady(worker, options, io);
      await Promise.race([worker.finished, aborted(io.signal)]);
      if (io.signal.aborted) tellStopping(worker, io);
    } finally {
      await worker.stop();
    }
    return EXIT.ok;
  },
};

function tellReady(worker: Worker, { taskList = {} }: WorkerOptions, io: CliIo): void {
  const { tasks, installed } = worker.composition;
  const plugins = installed.filter(({ enabled }) => enabled).map(({ plugin }) => plugin.name);
  if (io.json) {
    const all = [...tasks.keys(), ...Object.keys(taskList)];
    io.data({ event: "ready", worker: worker.id, tasks: all, plugins });
  } else io.line(`ready: worker ${worker.id}, plugins: ${plugins.join(", ") || "none"}`);
}

function tellStopping({ jobsInProgress }: Worker, io: CliIo): void {
  io.log(`stopping: ${jobsInProgress} jobs run; a second signal ends the process at once`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
