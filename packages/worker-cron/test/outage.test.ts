import { type Clock, systemClock } from "@oppulence/worker-core";
import { startPostgres, type TestDatabase } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { work } from "./killed-worker.ts";
import { manySchedules } from "./many-schedules.ts";
import { SLOT_PROOF } from "./slot-proof.ts";
import { start } from "./start.ts";

const COUNT = 20;

/** A clock that is wrong by so many milliseconds. */
const wrongBy = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });

/** A worker with twenty schedules by the second. */
const startOne = (database: TestDatabase, clock: Clock = systemClock) =>
  start({ database, clock, tasks: [work], cron: { schedules: manySchedules(COUNT) } });

type Started = Awaited<ReturnType<typeof startOne>>;

/** Resolves once every schedule has so many slots that succeeded after an instant of the database's clock. */
async function untilSlots({ sql }: Started, slots: number, after = "-infinity"): Promise<void> {
  await expect
    .poll(
      async () => {
        const rows = await sql(
          `select job_key from oppulence_worker.scheduled_job_events
where status = 'succeeded' and scheduled_at > $1::timestamptz group by job_key having count(*) >= $2`,
          [after, slots],
        );
        return rows.length;
      },
      { timeout: 30_000 },
    )
    .toBe(COUNT);
}

async function proveEachOnce(workers: readonly [Started, ...Started[]]): Promise<void> {
  for (const { worker } of workers) await worker.stop();
  for (const [what, statement] of Object.entries(SLOT_PROOF))
    expect(await workers[0].sql(statement), what).toEqual([]);
}

describe("schedules by the second", () => {
  it("lose no slot and fire none twice when PostgreSQL is killed and comes back", async () => {
    const postgres = await startPostgres({ url: false });
    onTestFinished(() => postgres.stop());
    const database = await postgres.createDatabase();
    const workers = [await startOne(database), await startOne(database)] as const;
    const [first] = workers;
    await untilSlots(first, 1);
    await postgres.restart({ mode: "immediate" });
    const [up] = await first.sql<{ at: string }>("select pg_postmaster_start_time()::text as at");
    await untilSlots(first, 2, up?.at);
    await proveEachOnce([...workers]);
  });

  it("go by the database's clock, on hosts whose own are an hour apart", async () => {
    const postgres = await startPostgres({ url: false });
    onTestFinished(() => postgres.stop());
    const database = await postgres.createDatabase();
    const workers = [
      await startOne(database, wrongBy(-1_800_000)),
      await startOne(database, wrongBy(1_800_000)),
    ] as const;
    await untilSlots(workers[0], 3);
    const [late] = await workers[0].sql<{ ms: number }>(
      "select max(abs(extract(epoch from created_at - scheduled_at)) * 1000)::float8 as ms from oppulence_worker.scheduled_job_events",
    );
    expect(late?.ms).toBeLessThan(10_000);
    await proveEachOnce([...workers]);
  });
});
