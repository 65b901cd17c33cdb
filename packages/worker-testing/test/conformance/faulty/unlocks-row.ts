import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Unlocks the job's row while it runs, by graphile-worker's own function. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "meddler",
    producers: "not-covered",
    setup: ({ query }) => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        run: async ({ job }) => {
          await query("select graphile_worker.force_unlock_workers(array[$1])", [job.locked_by]);
          return undefined;
        },
      },
    }),
  });

export const only = /^neighbours: the job's row/;
export const expected: Faulty["expected"] = [
  {
    check: /^neighbours: the job's row is left to the core$/,
    message:
      /^after the beforeRun hook of meddler the job's row was locked by nobody instead of pool-/,
  },
];
