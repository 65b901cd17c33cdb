import type { Command } from "@oppulence/worker-core";
import { FOUND_NOTHING, readRows } from "./command-values.ts";
import { describeLimits, type Limits } from "./limits.ts";
import type { LimitsApi } from "./limits-api.ts";
import type { Override } from "./store.ts";

const LIST_COLUMNS = ["limiter", "limits", "overrides", "keys", "used", "running", "waiting"];
const SET_COLUMNS = ["key", "limits", "setAt", "actor", "reason"];
const BUCKET_COLUMNS = ["limiter", "key", "used", "running", "waiting"];

/** `limits list` and `show`: they change nothing. */
export function readCommands(api: LimitsApi): Command[] {
  const list: Command = {
    name: "limits list",
    description: "list limiters with their use and their lines; exits 3 when there is none",
    async run({ io }) {
      const views = await api.list();
      io.table(
        views.map((view) => ({ ...view, used: percent(view.utilization) })),
        LIST_COLUMNS,
      );
      return views.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const show: Command = {
    name: "limits show",
    description: "show a limiter: what is set at run time, and its fullest keys",
    arguments: [
      { name: "<limiter>", description: "its name" },
      { name: "[key]", description: "one of its keys; all unless given" },
    ],
    options: [{ flags: "--rows <number>", description: "keys to show; 20 unless given" }],
    async run({ args, options, io }) {
      const key = args["key"] as string | undefined;
      const details = await api.show(args["limiter"] as string, {
        key,
        rows: readRows(options["rows"]),
      });
      if (io.json) {
        io.record({ ...details });
        return 0;
      }
      const { set, buckets, ...view } = details;
      io.record({ ...view });
      if (set.length > 0) io.table(set.map(rowOf), SET_COLUMNS);
      io.table(
        buckets.map((bucket) => ({ ...bucket, used: percent(bucket.utilization) })),
        BUCKET_COLUMNS,
      );
      return 0;
    },
  };
  return [list, show];
}

function rowOf(override: Override): Record<string, unknown> {
  const { key, limits } = override;
  return { ...override, key: key ?? "(every key)", limits: describeLimits(limits as Limits) };
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
