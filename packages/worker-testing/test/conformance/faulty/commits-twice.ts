import { definePlugin, type Permit, proceed } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Commits its permit itself when the task has returned; the core does so too. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "eager",
    producers: "not-covered",
    setup: () => {
      const permits = new Map<string, Permit>();
      return {
        beforeRun: {
          phase: "consume",
          onError: "open",
          run: ({ job: { id } }) => {
            const permit = { commit: () => void permits.delete(id), rollback() {} };
            permits.set(id, permit);
            return proceed({ permit });
          },
        },
        afterRun: {
          run: ({ job: { id }, result }) =>
            permits.get(id)?.commit({ kind: "succeeded", result }) as undefined,
        },
      };
    },
  });

export const only = /^(?:alone|neighbours|permits)/;
export const expected: Faulty["expected"] = [
  {
    check: /^neighbours: hooks and permits run once each, in order, when the job succeeds$/,
    message:
      /called as \[.*eager: commit.*after: commit succeeded, eager: commit, before: commit succeeded\] instead of/,
  },
];
