import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Its observer throws on every job, which the core isolates and nobody would see. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "clumsy",
    producers: "not-covered",
    setup: () => ({
      afterRun: {
        run: () => {
          throw new Error("no such table");
        },
      },
    }),
  });

export const only = /^(?:alone|neighbours|errors)/;
export const expected: Faulty["expected"] = [
  {
    check: /^alone: a job runs once, with the payload as it was added$/,
    message: /^its afterRun failed on a job that succeeded: no such table$/,
  },
];
