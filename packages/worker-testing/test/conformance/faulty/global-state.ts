import { defer, definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Shared by every worker of the process. */
let isClosed = false;

/** Keeps its state in the module instead of in the worker that it serves. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "global",
    producers: "enforced-at-run",
    setup: () => ({
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
    }),
  });

export const fixtures: Faulty["fixtures"] = {
  stops: { setup: ({ api }) => api.close(), expect: "defer" },
};
export const only = /^lifecycle: (?:stop|a worker)/;
export const expected: Faulty["expected"] = [
  {
    check: /^lifecycle: a worker knows nothing of another worker in the same process$/,
    message:
      /^only the jobs of another worker, on another database, should be stopped, and yet this one's fate is: defer$/,
  },
];
