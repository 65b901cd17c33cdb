import {
  addLabels,
  type Duration,
  defer,
  definePlugin,
  parseDuration,
  proceed,
} from "@oppulence/worker-core";
import { z } from "zod";
import type { ConformanceFixtures } from "../../../src/conformance.ts";

interface TurnstileOptions {
  readonly capacity?: number;
  readonly lease?: Duration;
}

const schema = z.strictObject({
  capacity: z.int().positive().default(1_000),
  lease: z.union([z.number(), z.string()]).default("1s"),
});

const FULL = { code: "FULL", message: "every place is taken" };
const CLOSED = { code: "CLOSED", message: "the turnstile is closed" };

/** A plugin with all there is: a table of leases, a permit, all four hooks, options, an API, explain, health. */
export const turnstile = (options: TurnstileOptions = {}) =>
  definePlugin({
    name: "turnstile",
    options,
    optionsSchema: schema,
    producers: "enforced-at-run",
    migrations: { directory: new URL("./sql/", import.meta.url) },
    setup: ({ options: { capacity, lease }, query, schema: own, events }) => {
      const leaseMs = parseDuration(lease, "lease");
      const leases = `${own}.turnstile_leases`;
      const gates = `${own}.turnstile_gates`;
      const isClosed = async () =>
        (await query(`select from ${gates} where closed limit 1`)).length > 0;
      const take = async (id: string) => {
        const taken = await query(
          `with expired as (delete from ${leases} where expires_at <= now())
insert into ${leases} (job_id, expires_at)
select $1, now() + $2 * interval '1 millisecond'
where (select count(*) from ${leases} where expires_at > now()) < $3
on conflict (job_id) do update set expires_at = excluded.expires_at
returning job_id`,
          [id, leaseMs, capacity],
        );
        return taken.length > 0;
      };
      const giveBack = async (id: string) => {
        await query(`delete from ${leases} where job_id = $1`, [id]);
      };
      let off: (() => void) | undefined;
      let seen = 0;
      return {
        api: {
          close: () => query(`insert into ${gates} values (true)`),
          open: () => query(`delete from ${gates}`),
          seen: () => seen,
        },
        beforeEnqueue: {
          phase: "shape",
          onError: "open",
          run: () => addLabels({ turnstile: "1" }),
        },
        beforeRun: {
          phase: "consume",
          onError: "closed",
          run: async ({ job: { id } }) => {
            if (await isClosed()) return defer({ after: "1h" }, CLOSED);
            if (!(await take(id))) return defer({ after: 100 }, FULL);
            const end = () => giveBack(id);
            return proceed({ permit: { commit: end, rollback: end } });
          },
        },
        afterRun: {
          run: () => {
            seen += 1;
            return undefined;
          },
        },
        onFailure: { run: () => undefined },
        explain: async () => ((await isClosed()) ? { ...CLOSED, blocking: true } : undefined),
        health: async () => ({ status: (await isClosed()) ? "degraded" : "ok" }),
        panels: [
          {
            id: "leases",
            title: "Leases",
            load: ({ limit }) => query(`select * from ${leases} limit $1`, [limit]),
          },
        ],
        start: () => {
          off ??= events.on("job:deferred", () => {});
        },
        stop: () => {
          off?.();
          off = undefined;
        },
      };
    },
  });

export const plugin = () => turnstile();

export const fixtures: ConformanceFixtures = {
  stops: {
    setup: ({ api }) => api.close(),
    expect: "defer",
    code: "CLOSED",
    release: ({ api }) => api.open(),
  },
  leakCheck: ({ query }) =>
    query("select * from oppulence_worker.turnstile_leases where expires_at > now()"),
};
