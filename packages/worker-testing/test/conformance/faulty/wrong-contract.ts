import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

/** Made for a core that does not exist yet. */
export const plugin: Faulty["plugin"] = () =>
  Object.freeze({
    ...definePlugin({ name: "futuristic", producers: "not-covered", setup: () => ({}) }),
    contract: 2,
  });

export const only = /./;
export const expected: Faulty["expected"] = [
  {
    check: /^shape: can be put together$/,
    message:
      /^the plugin cannot be put together: plugin futuristic speaks contract version 2, this core speaks version 1/,
  },
];
