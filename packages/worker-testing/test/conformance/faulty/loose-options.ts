import { definePlugin } from "@oppulence/worker-core";
import { z } from "zod";
import type { Faulty } from "./faulty.ts";

/** Drops options that it does not know without a word. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "loose",
    options: { capacity: 3 },
    optionsSchema: z.object({ capacity: z.number() }),
    producers: "not-covered",
    setup: () => ({}),
  });

export const only = /^shape/;
export const expected: Faulty["expected"] = [
  {
    check: /^shape: refuses options that it does not know$/,
    message:
      /^it takes the option "notAnOptionOfAnyPlugin", which it does not know, without a word: make its options a strict object$/,
  },
];
