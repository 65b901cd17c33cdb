import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Waits in its hook until there is room, and holds the job and its queue meanwhile. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "waiter",
    producers: "enforced-at-run",
    setup: () => {
      let gate: Promise<void> | undefined;
      let open = () => {};
      return {
        api: {
          close: () => {
            gate = new Promise((resolve) => {
              open = resolve;
            });
          },
        },
        beforeRun: { phase: "admit", onError: "open", timeout: "30s", run: () => gate },
        stop: () => open(),
      };
    },
  });

export const fixtures: Faulty["fixtures"] = {
  stops: { setup: ({ api }) => api.close(), expect: "defer" },
  timeout: "3s",
};
export const only = /^(?:alone|stops)/;
export const expected: Faulty["expected"] = [
  {
    check: /^stops: (?:by a decision|a deferral costs|a deferral frees)/,
    message:
      /^the plugin should defer the job; in 3000 ms it decided nothing, and the job is running$/,
  },
];
