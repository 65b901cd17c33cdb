import { defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { retries } from "../src/index.ts";

/** Runs until its signal aborts, and then does as its payload says. */
const wait = defineTask({
  identifier: "wait",
  run: async (payload, { signal }) => {
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener("abort", resolve);
    });
    if ((payload as { ends: string }).ends === "throwing") throw signal.reason;
  },
});

/** A worker in a process of its own, for tests of cancelling. */
export const config: WorkerModule = ({ data }) => ({
  tasks: [wait],
  plugins: [retries()],
  worker: { concurrentJobs: 10, ...(data as GraphileConfig.WorkerOptions | undefined) },
});
