import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Throws and counts on being closed on errors, instead of returning a decision. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "thrower",
    producers: "enforced-at-run",
    setup: () => {
      let isClosed = false;
      return {
        api: {
          set: (closed: boolean) => {
            isClosed = closed;
          },
        },
        beforeRun: {
          phase: "gate",
          onError: "closed",
          run: () => {
            if (isClosed) throw new Error("come back later");
          },
        },
      };
    },
  });

export const fixtures: Faulty["fixtures"] = {
  stops: {
    setup: ({ api }) => api.set(true),
    expect: "defer",
    release: ({ api }) => api.set(false),
  },
};
export const only = /^(?:producers|stops)/;
export const expected: Faulty["expected"] = [
  {
    check: /^stops: by a decision that says why, not by throwing$/,
    message: /^its beforeRun failed where it should have returned a decision: come back later$/,
  },
];
