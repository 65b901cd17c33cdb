import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Completes the job in its afterRun hook, before the other plugins and the core are done with it. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "impatient",
    producers: "not-covered",
    setup: ({ engine }) => ({
      afterRun: {
        run: async ({ job }) => {
          await engine.complete(job.locked_by as string, [job.id]);
          return undefined;
        },
      },
    }),
  });

export const only = /^(?:alone|neighbours)/;
export const expected: Faulty["expected"] = [
  {
    check: /^neighbours: the job's row is left to the core$/,
    message:
      /^after the afterRun hook of impatient the job's row was gone; a hook decides, and the core acts/,
  },
];
