import { defer, definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Says that other producers' jobs are not covered, and stops them all the same. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "surprise",
    producers: "not-covered",
    setup: () => {
      let isClosed = false;
      return {
        api: {
          close: () => {
            isClosed = true;
          },
        },
        beforeRun: {
          phase: "gate",
          onError: "open",
          run: () =>
            isClosed ? defer({ after: "1h" }, { code: "CLOSED", message: "closed" }) : undefined,
        },
      };
    },
  });

export const fixtures: Faulty["fixtures"] = {
  stops: { setup: ({ api }) => api.close(), expect: "defer" },
};
export const only = /^(?:producers|stops)/;
export const expected: Faulty["expected"] = [
  {
    check:
      /^producers: a job added by (?:SQL add_job|a native crontab) is stopped, or not, as declared$/,
    message:
      /^the plugin declares not-covered, and yet it was deferred \(surprise, CLOSED: closed\)$/,
  },
];
