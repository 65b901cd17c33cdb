import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Writes into the object that the producer passed. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "scribbler",
    producers: "not-covered",
    setup: () => ({
      beforeEnqueue: {
        phase: "shape",
        onError: "open",
        run: ({ spec }) => {
          (spec.payload as Record<string, unknown>).traceId = "abc";
        },
      },
    }),
  });

export const only = /^(?:alone|neighbours)/;
export const expected: Faulty["expected"] = [
  {
    check: /^alone: a job runs once, with the payload as it was added$/,
    message:
      /^it changed the object that the producer passed to addJob: from \{"conformance":true\} to \{.*"traceId":"abc"\}$/,
  },
];
