import { defer, definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

const REASON = { code: "CLOSED", message: "closed" };

/** Moves the row itself before it decides, and so spends an attempt. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "spender",
    producers: "enforced-at-run",
    setup: ({ engine }) => {
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
          run: async ({ job }) => {
            if (!isClosed) return undefined;
            const failure = { id: job.id, message: REASON.message, payload: undefined };
            await engine.fail(job.locked_by as string, [failure]);
            return defer({ after: "1h" }, REASON);
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
export const only = /^(?:alone|stops: (?:by|a deferral costs))/;
export const expected: Faulty["expected"] = [
  {
    check: /^stops: by a decision/,
    message: /^nobody was told that the job was deferred: did the plugin move the row itself\?$/,
  },
  {
    check: /^stops: a deferral costs no attempt, not even the last one$/,
    message:
      /^(?:the plugin should defer the job; what it did was: fail|the job had made no attempt; after its deferral 1 of 1 are counted)$/,
  },
];
