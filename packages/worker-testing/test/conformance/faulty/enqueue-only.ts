import { definePlugin, drop } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Says that it is enforced at run, and only looks at jobs that are added by addJob. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "enqueue-only",
    producers: "enforced-at-run",
    setup: () => {
      let isClosed = false;
      return {
        api: {
          close: () => {
            isClosed = true;
          },
        },
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          run: () => (isClosed ? drop({ code: "CLOSED", message: "closed" }) : undefined),
        },
      };
    },
  });

export const fixtures: Faulty["fixtures"] = {
  stops: { setup: ({ api }) => api.close(), expect: "drop" },
};
// The whole suite but the kills: nothing else may be found.
export const only = /^(?!kills)/;
export const expected: Faulty["expected"] = [
  {
    check:
      /^producers: a job added by (?:SQL add_job|a native crontab) is stopped, or not, as declared$/,
    message:
      /^the plugin declares enforced-at-run, so it should defer or skip or fail it, and yet it ran$/,
  },
];
