import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Waits for ever, under a timeout that makes its policy meaningless. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "sleeper",
    producers: "not-covered",
    setup: () => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        timeout: "10m",
        run: () => new Promise<undefined>(() => {}),
      },
    }),
  });

export const fixtures: Faulty["fixtures"] = { timeout: "2s" };
export const only = /^(?:shape|alone: a job)/;
export const expected: Faulty["expected"] = [
  {
    check: /^shape: bounds the time that its hooks may take$/,
    message: /^its beforeRun hook may take 10m; while it hangs, .*: at most 1m$/,
  },
  {
    check: /^alone: a job runs once/,
    message:
      /^a job that nothing stops should run; waited 2000 ms for job 1 to be succeeded\n {2}job 1 is running/,
  },
];
