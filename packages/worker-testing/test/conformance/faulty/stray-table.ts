import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Makes a table outside of its schema, and one that another plugin might make too. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "stray",
    producers: "not-covered",
    migrations: { directory: new URL("./sql/", import.meta.url) },
    setup: () => ({}),
  });

export const only = /^migrations/;
export const expected: Faulty["expected"] = [
  {
    check: /^migrations: keep to their schema, in tables named after the plugin$/,
    message: /^made outside of its schema: public\.stray_things; write :SCHEMA before the names$/,
  },
];
