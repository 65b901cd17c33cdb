import { definePlugin, proceed } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Counts jobs in, and forgets to count those out that fail. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "counter",
    producers: "enforced-at-run",
    setup: () => {
      const inside = new Set<string>();
      return {
        api: { inside },
        beforeRun: {
          phase: "consume",
          onError: "open",
          run: ({ job: { id } }) => {
            inside.add(id);
            return proceed({
              permit: {
                commit: ({ kind }) => void (kind === "succeeded" && inside.delete(id)),
                rollback: () => void inside.delete(id),
              },
            });
          },
        },
      };
    },
  });

export const fixtures: Faulty["fixtures"] = { leakCheck: async ({ api }) => [...api.inside] };
export const only = /^(?:neighbours|permits)/;
export const expected: Faulty["expected"] = [
  {
    check: /^neighbours: hooks and permits run once each, in order, when the job fails$/,
    message: /^after a job that failed it still holds: "1"$/,
  },
];
