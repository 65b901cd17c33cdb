import { defineTask } from "@oppulence/worker-core";
import { assertInvariants } from "@oppulence/worker-testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { start } from "./start.ts";

const work = defineTask({
  identifier: "work",
  run: (payload: unknown) => {
    if ((payload as { readonly ok?: boolean }).ok !== true) throw new Error("it fails");
  },
});
const later = new Date("2100-01-01T00:00:00Z");

type Step =
  | { readonly do: "run" | "fail" | "wait"; readonly count: number }
  /** The next move dies before the database has it, or before its answer is there. */
  | { readonly do: "kill"; readonly when: "before" | "after" }
  | { readonly do: "give up" | "move by hand" | "sweep" }
  | { readonly do: "reprocess"; readonly ok: boolean; readonly later: boolean }
  | { readonly do: "discard"; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("run", "fail", "wait"), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant("kill"), when: fc.constantFrom("before", "after") }),
  fc.record({ do: fc.constantFrom("give up", "move by hand", "sweep") }),
  fc.record({ do: fc.constant("reprocess"), ok: fc.boolean(), later: fc.boolean() }),
  fc.record({ do: fc.constant("discard"), count: fc.integer({ min: 1, max: 3 }) }),
);
/** Steps of one group are taken at once. */
const steps = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
  minLength: 3,
  maxLength: 8,
});

/** A worker and what is known of its jobs from outside, in tables. */
async function prepare() {
  const harness = await start([work], {
    dlq: { maxRequeues: 1_000, requeueBackoff: { base: 0 } },
    worker: { concurrentJobs: 4 },
  });
  const { sql, worker, pool } = harness;
  await sql("create table added (job_id bigint)");
  await sql("create table finished (job_id bigint)");
  await sql("create table ended (dlq_id bigint, how text)");
  await sql("create table left_dlq (job_id bigint, dlq_id bigint)");
  await sql(`create function leaving() returns trigger language plpgsql as
    $$ begin insert into left_dlq values (old.job_id, old.id); return null; end $$`);
  await sql(
    "create trigger leaving after delete on oppulence_worker.graphile_worker_dlq for each row execute function leaving()",
  );
  const pending = new Set<Promise<unknown>>();
  const note = (text: string, values: readonly unknown[]) => {
    const writing: Promise<unknown> = sql(text, values).finally(() => pending.delete(writing));
    pending.add(writing);
  };
  const { events } = worker;
  events.on("job:added", ({ id }) => note("insert into added values ($1)", [id]));
  events.on("job:succeeded", ({ job }) => note("insert into finished values ($1)", [job.id]));
  events.on("dlq:reprocessed", ({ id }) =>
    note("insert into ended values ($1, 'reprocessed')", [id]),
  );
  events.on("dlq:deleted", ({ ids }) =>
    note("insert into ended select unnest($1::bigint[]), 'discarded'", [ids]),
  );
  let kill: "before" | "after" | undefined;
  const real = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  pool.query = (async (...args: unknown[]) => {
    const text = typeof args[0] === "string" ? args[0] : (args[0] as { text?: string }).text;
    if (kill === undefined || !text?.includes("graphile_worker_dlq (job_id")) return real(...args);
    const when = kill;
    kill = undefined;
    if (when === "after") await real(...args);
    throw Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });
  }) as never;
  return {
    ...harness,
    killNext: (when: "before" | "after") => {
      kill = when;
    },
    settled: () => Promise.all(pending),
  };
}

type World = Awaited<ReturnType<typeof prepare>>;

async function take(world: World, one: Step): Promise<unknown> {
  const { worker, api, sql } = world;
  const add = (count: number, ok: boolean, runAt?: Date) =>
    worker.addJobs(
      Array.from({ length: count }, () => ({ task: work, payload: { ok }, maxAttempts: 1, runAt })),
    );
  switch (one.do) {
    case "run":
      return add(one.count, true);
    case "fail":
      return add(one.count, false);
    case "wait":
      return add(one.count, true, later);
    case "kill":
      return world.killNext(one.when);
    case "give up":
      return sql(
        "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs where run_at > now() limit 2))",
      );
    case "move by hand": {
      const [job] = await sql<{ id: string }>(
        "select id::text from graphile_worker.jobs where run_at > now() limit 1",
      );
      return job && api.moveToDeadLetter(job.id);
    }
    case "sweep":
      return api.reconcile();
    case "reprocess":
      return api.reprocessDLQ({
        filter: {},
        payload: { ok: one.ok },
        ...(one.later ? { runAt: later } : {}),
      });
    case "discard": {
      const { entries } = await api.list({ limit: one.count });
      return api.discard({ ids: entries.map(({ id }) => id) });
    }
  }
}

/** Jobs that are in the queue and in the DLQ, in one snapshot. */
const IN_BOTH = `select jobs.id from graphile_worker.jobs join oppulence_worker.graphile_worker_dlq as dead on dead.job_id = jobs.id`;
/** Jobs that are not in exactly one place, with the places. */
const MISPLACED = `select added.job_id, array_agg(places.place) as places
from (select distinct job_id from added) as added
left join (
  select id as job_id, 'queue' as place from graphile_worker.jobs
  union all select job_id, 'dlq' from oppulence_worker.graphile_worker_dlq
  union all select job_id, 'finished' from finished
  union all select left_dlq.job_id, ended.how from left_dlq left join ended on ended.dlq_id = left_dlq.dlq_id
) as places on places.job_id = added.job_id
group by added.job_id
having count(places.place) <> 1`;

describe("each job", () => {
  it("is in exactly one place: queue, dead letters, finished or discarded", {
    timeout: 60_000,
  }, async () => {
    const world = await prepare();
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (groups) => {
        for (const group of groups) {
          await Promise.all(group.map((one) => take(world, one)));
          taken += group.length;
          expect(await world.sql(IN_BOTH)).toEqual([]);
        }
        await world.drain();
        await world.api.reconcile();
        await world.drain();
        await world.settled();
        expect(await world.sql(MISPLACED)).toEqual([]);
        const failed = await world.worker.engine.peek({ states: ["failed"], tasks: ["work"] });
        expect(failed).toEqual([]);
      }),
      { numRuns: 25 },
    );
    const [seen] = await world.sql<{ jobs: number; ways: number }>(
      `select (select count(*) from added)::int as jobs, (select count(distinct how) from ended)::int as ways`,
    );
    expect(taken).toBeGreaterThan(100);
    expect(seen?.ways).toBe(2);
    await world.worker.stop();
    await assertInvariants(world.sql);
  });
});
