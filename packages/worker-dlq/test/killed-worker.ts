import { defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { dlq } from "../src/index.ts";

/** Fails, always. */
export const boom = defineTask({
  identifier: "boom",
  run: () => {
    throw new Error("boom");
  },
});

export const config: WorkerModule = () => ({
  tasks: [boom],
  plugins: [dlq({ reconcileInterval: "1h" })],
});
