import { defer, definePlugin, proceed } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

const TABLE = "public.eternal_leases";

/** Takes a lease that never expires: the job of a worker that was killed never runs again. */
export const plugin: Faulty["plugin"] = () =>
  definePlugin({
    name: "eternal",
    producers: "enforced-at-run",
    setup: ({ query }) => ({
      start: async () => {
        await query(`create table if not exists ${TABLE} (job_id bigint primary key)`);
      },
      beforeRun: {
        phase: "consume",
        onError: "closed",
        run: async ({ job: { id } }) => {
          const taken = await query(
            `insert into ${TABLE} values ($1) on conflict do nothing returning job_id`,
            [id],
          );
          if (taken.length === 0)
            return defer({ after: 50 }, { code: "TAKEN", message: "it runs elsewhere" });
          const end = async () => {
            await query(`delete from ${TABLE} where job_id = $1`, [id]);
          };
          return proceed({ permit: { commit: end, rollback: end } });
        },
      },
    }),
  });

export const fixtures: Faulty["fixtures"] = {
  module: import.meta.url,
  timeout: "4s",
  leaseTimeout: "500ms",
};
export const only =
  /^kills: .* (?:its beforeRun hook|before the task|after the claim|after the commit)/;
export const expected: Faulty["expected"] = [
  {
    check:
      /^kills: nothing is lost or left behind when a worker dies (?:after its beforeRun hook|before the task) \(/,
    message: /its job does not end after the recovery: .*it runs elsewhere/,
  },
];
