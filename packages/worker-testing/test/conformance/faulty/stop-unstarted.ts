import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Its stop takes for granted that it was started. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "hasty",
    producers: "not-covered",
    setup: () => {
      let timer: { close(): void } | undefined;
      return {
        start: () => {
          timer ??= { close() {} };
        },
        stop: () => (timer as { close(): void }).close(),
      };
    },
  });

export const only = /^lifecycle/;
export const expected: Faulty["expected"] = [
  {
    check: /^lifecycle: stop may be called before start, and twice$/,
    message: /^its stop failed when it had not been started: Cannot read properties of undefined/,
  },
];
