import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Listens once more with every start. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "listener",
    producers: "not-covered",
    setup: ({ events }) => {
      let failed = 0;
      return {
        api: { failed: () => failed },
        start: () => {
          events.on("job:failed", () => {
            failed += 1;
          });
        },
      };
    },
  });

export const only = /^(?:alone|lifecycle)/;
export const expected: Faulty["expected"] = [
  {
    check: /^lifecycle: start may be called twice, and changes nothing the second time$/,
    message: /^it listens to events 2 times after its second start, 1 times before$/,
  },
];
