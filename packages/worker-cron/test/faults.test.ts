import { defineTask } from "@oppulence/worker-core";
import { type FaultPoint, killAt, recoverPools } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { work } from "./killed-worker.ts";
import { SLOT_PROOF } from "./slot-proof.ts";
import { start } from "./start.ts";

const INSERT_BEFORE = "statement:/insert into \\S+scheduled_job_events/:before";

describe("a worker killed with -9", () => {
  it.each<[string, FaultPoint, number?]>([
    ["before the jobs of a crowd are added ahead", "statement:/[.]add_jobs[(]/:before", 5],
    ["before the ledger of a crowd is written ahead", INSERT_BEFORE, 5],
    ["before a crowd that is ahead commits", "statement:/last_slot = coalesce/:after", 5],
    ["before it locks what is due", "statement:/for update of schedules skip locked/:before"],
    ["before the jobs are added", "statement:/[.]add_jobs[(]/:before"],
    ["before the ledger is written", INSERT_BEFORE],
    ["after the ledger is written", "statement:/insert into \\S+scheduled_job_events/:after"],
    ["before it commits", "statement:/last_slot = coalesce/:after"],
    ["before a run's start or end is recorded", "statement:/with told as/:before"],
    ["after it is recorded", "statement:/with told as/:after"],
    ["before its job is deleted", "statement:/complete_job/:before"],
  ])("%s: another one fires each slot once", async (_, point, batchSize = 500) => {
    const killed = await killAt(point, {
      module: new URL("./killed-worker.ts", import.meta.url),
      data: { batchSize },
      enqueue: [{ task: "wait", payload: {} }],
    });
    onTestFinished(() => killed.database.drop());
    const schedules = Array.from({ length: 20 }, (_, n) => ({
      key: `soak-${n}`,
      cron: "* * * * * *",
      task: work,
    }));
    const harness = await start({
      database: killed.database,
      tasks: [work, defineTask({ identifier: "wait", run: () => {} })],
      cron: { schedules, batchSize },
      start: false,
    });
    await recoverPools(harness.worker.engine, killed.pools);
    await harness.worker.start();
    await expect
      .poll(
        async () => {
          const [row] = await harness.sql<{ least: number }>(
            "select coalesce(min(count), 0)::int as least from (select count(*) from oppulence_worker.scheduled_job_events where status = 'succeeded' group by job_key) as counts",
          );
          return row?.least ?? 0;
        },
        { timeout: 15_000 },
      )
      .toBeGreaterThan(1);
    await harness.worker.stop();
    for (const [what, statement] of Object.entries(SLOT_PROOF))
      if (what !== "a schedule that stands still")
        expect(await harness.sql(statement), what).toEqual([]);
  });
});
