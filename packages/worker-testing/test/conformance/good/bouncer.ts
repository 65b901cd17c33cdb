import { definePlugin, fail, reject } from "@oppulence/worker-core";
import type { ConformanceFixtures } from "../../../src/conformance.ts";

const REASON = { code: "BANNED", message: "not on the list" };

/** Refuses at the door whom it can see there, and the others inside. Its hooks take batches. */
export const plugin = () =>
  definePlugin({
    name: "bouncer",
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
          batch: (inputs) => inputs.map(() => (isClosed ? reject(REASON) : undefined)),
        },
        beforeRun: {
          phase: "gate",
          onError: "open",
          batch: async (inputs) => inputs.map(() => (isClosed ? fail(REASON) : undefined)),
        },
      };
    },
  });

export const fixtures: ConformanceFixtures = {
  stops: { setup: ({ api }) => api.close(), expect: "reject", atRun: "fail", code: "BANNED" },
};
