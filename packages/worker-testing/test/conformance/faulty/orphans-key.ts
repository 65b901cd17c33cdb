import { definePlugin, drop } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

const TABLE = "public.orphaned_keys";

/** Writes that a job was seen outside of the insert's transaction: a crash in between loses the job for good. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "forgetful",
    producers: "not-covered",
    setup: ({ query }) => ({
      start: async () => {
        await query(`create table if not exists ${TABLE} (payload text primary key)`);
      },
      beforeEnqueue: {
        phase: "identify",
        onError: "closed",
        run: async ({ spec }) => {
          const added = await query(
            `insert into ${TABLE} values ($1) on conflict do nothing returning payload`,
            [JSON.stringify(spec.payload)],
          );
          return added.length > 0 ? undefined : drop({ code: "SEEN", message: "seen before" });
        },
      },
    }),
  });

export const fixtures: Faulty["fixtures"] = { module: import.meta.url };
export const only = /^kills: .* (?:its beforeEnqueue hook|before the insert|after the claim)/;
export const expected: Faulty["expected"] = [
  {
    check:
      /^kills: nothing is lost or left behind when a worker dies (?:after its beforeEnqueue hook|before the insert) \(/,
    message:
      /^addJob dropped the job in favour of another, but there is none: what the hook wrote outlived the insert that failed$/,
  },
];
