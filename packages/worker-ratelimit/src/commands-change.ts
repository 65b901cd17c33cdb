import type { Command } from "@oppulence/worker-core";
import {
  BY_HAND_OPTIONS,
  FOUND_NOTHING,
  LIMIT_OPTIONS,
  readActor,
  readByHand,
  readLimits,
} from "./command-values.ts";
import { describeLimits } from "./limits.ts";
import type { LimitsApi } from "./limits-api.ts";

const WHICH = [
  { name: "<limiter>", description: "its name" },
  { name: "[key]", description: "one of its keys; every key unless given" },
];

/** `limits set` and `reset`: they change limits in every process. */
export function changeCommands(api: LimitsApi): Command[] {
  const set: Command = {
    name: "limits set",
    description:
      "set limits over the configured ones, in every process, until they are reset; what is not given stays",
    arguments: WHICH,
    options: [...LIMIT_OPTIONS, ...BY_HAND_OPTIONS],
    async run({ args, options, io }) {
      const limiter = args["limiter"] as string;
      const key = (args["key"] as string | undefined) ?? null;
      const limits = readLimits(options);
      const byHand = readByHand(options);
      await api.set(limiter, key, limits, byHand);
      if (io.json) io.record({ limiter, key, limits, ...byHand });
      io.line(`${named(limiter, key)} is limited to ${describeLimits(limits)}`);
      return 0;
    },
  };
  const reset: Command = {
    name: "limits reset",
    description: "go by the configured limits again; exits 3 when nothing was set",
    arguments: WHICH,
    options: [
      {
        flags: "--counts",
        description: "forget what was counted instead, so that a full burst may start; lines stay",
      },
      ...BY_HAND_OPTIONS,
    ],
    async run({ args, options, io }) {
      const limiter = args["limiter"] as string;
      const key = args["key"] as string | undefined;
      if (options["counts"] === true) {
        const buckets = await api.reset(limiter, key);
        if (io.json) io.record({ limiter, key: key ?? null, buckets });
        io.line(`forgot ${buckets} counts of ${named(limiter, key ?? null)}`);
        return buckets === 0 ? FOUND_NOTHING : 0;
      }
      const removed = await api.unset(limiter, key ?? null, readActor(options));
      if (io.json) io.record({ limiter, key: key ?? null, removed });
      io.line(
        removed
          ? `${named(limiter, key ?? null)} goes by its configured limits again`
          : `nothing was set for ${named(limiter, key ?? null)}`,
      );
      return removed ? 0 : FOUND_NOTHING;
    },
  };
  return [set, reset];
}

function named(limiter: string, key: string | null): string {
  return key === null ? limiter : `${limiter}, key ${JSON.stringify(key)}`;
}
