import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Hands the task another payload than the one that was added. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "forger",
    producers: "not-covered",
    setup: () => ({
      beforeRun: {
        phase: "consume",
        onError: "open",
        run: ({ payload }) => {
          (payload as Record<string, unknown>).conformance = false;
        },
      },
    }),
  });

export const only = /^alone/;
export const expected: Faulty["expected"] = [
  {
    check: /^alone: a job runs once, with the payload as it was added$/,
    message:
      /^the task got the payload \{"conformance":false\} instead of \{"conformance":true\}; if that is meant, say changesPayload$/,
  },
];
