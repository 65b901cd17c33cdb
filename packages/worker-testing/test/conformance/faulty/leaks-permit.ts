import { defer, definePlugin, proceed } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** A mutex that is not released when a later plugin stops the job. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "leaky",
    producers: "enforced-at-run",
    setup: () => {
      let isBusy = false;
      const release = () => {
        isBusy = false;
      };
      return {
        beforeRun: {
          phase: "admit",
          onError: "closed",
          run: () => {
            if (isBusy) return defer({ after: 50 }, { code: "BUSY", message: "one at a time" });
            isBusy = true;
            return proceed({ permit: { commit: release, rollback() {} } });
          },
        },
      };
    },
  });

export const fixtures: Faulty["fixtures"] = { timeout: "4s" };
export const only = /^(?:alone|permits)/;
export const expected: Faulty["expected"] = [
  {
    check:
      /^permits: rolled back once, before those granted earlier, when a later plugin (?:defer|skip|fail)s the job$/,
    message:
      /^what the plugin took for a job that was stopped should be free for the next; waited .*leaky.*one at a time/s,
  },
];
