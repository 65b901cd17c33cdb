import { definePlugin, drop } from "@oppulence/worker-core";
import { z } from "zod";

declare module "@oppulence/worker-core" {
  interface TaskOptions {
    /** Whether a job with a key is dropped while one with the same key, added by this process, still waits. */
    coalesce?: boolean;
  }
}

/** The database may take a job for due a little before this process does. */
const MARGIN_MS = 100;

/**
 * Drops a job that another one stands for: same key, added by this process, and not due yet, so that whatever was
 * committed by now, it will see. Saves a write for each request but the first.
 */
export function coalesce() {
  return definePlugin({
    name: "coalesce",
    taskOption: { key: "coalesce", schema: z.boolean() },
    producers: "not-covered",
    setup: ({ clock, events }) => {
      const waiting = new Map<string, { readonly id: string; readonly due: number }>();
      let forget = () => {};
      return {
        beforeEnqueue: {
          phase: "identify",
          onError: "open",
          appliesTo: (task) => task.options.coalesce === true,
          run: ({ spec }) => {
            const other = spec.jobKey === undefined ? undefined : waiting.get(spec.jobKey);
            if (other === undefined || other.due - MARGIN_MS <= clock.now()) return undefined;
            return drop({ code: "COALESCED", message: `job ${other.id} stands for it` }, other.id);
          },
        },
        start() {
          forget = events.on("job:added", ({ spec, id }) => {
            if (spec.jobKey === undefined || spec.runAt === undefined) return;
            waiting.set(spec.jobKey, { id, due: spec.runAt.getTime() });
          });
        },
        stop: () => forget(),
      };
    },
  });
}
