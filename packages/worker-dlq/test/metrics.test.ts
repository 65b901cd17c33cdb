import { defineTask } from "@oppulence/worker-core";
import { createFakeClock, recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { fillDeadLetters } from "./fill-dead-letters.ts";
import { start } from "./start.ts";

const pay = defineTask({
  identifier: "pay",
  run: () => {
    throw new Error("declined");
  },
});

describe("metrics", () => {
  it("count jobs that died by task and reason, and those that went back", async () => {
    const meter = recordingMeter();
    const harness = await start([pay], { plugins: [meter.plugin] });
    await harness.worker.addJobs([1, 2].map((n) => ({ task: pay, payload: n, maxAttempts: 1 })));
    await harness.drain();
    const later = new Date(Date.now() + 3_600_000);
    await harness.api.reprocessDLQ({ ids: ["1"], runAt: later });
    await harness.sql(
      "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs))",
    );
    await harness.api.reconcile();
    expect(await meter.scrape("dlq_jobs_total")).toEqual({
      "dlq_jobs_total{reason=attempts_exhausted,task=pay}": 2,
      "dlq_jobs_total{reason=permanently_failed,task=pay}": 1,
    });
    expect(await meter.scrape("dlq_reprocessed_total")).toEqual({
      "dlq_reprocessed_total{task=pay}": 1,
    });
  });

  it("sample sizes and ages at a scrape, not more often than they may", async () => {
    const meter = recordingMeter();
    const clock = createFakeClock();
    const harness = await start([pay], { plugins: [meter.plugin], clock });
    await fillDeadLetters(harness.sql, 5, { tasks: 2 });
    expect(await meter.scrape("dlq_size")).toEqual({
      "dlq_size{task=task_0}": 2,
      "dlq_size{task=task_1}": 3,
    });
    const ages = await meter.scrape("dlq_age_seconds");
    expect(ages["dlq_age_seconds{task=task_1}"]).toBeGreaterThanOrEqual(4);
    await harness.api.clear();
    expect(Object.keys(await meter.scrape("dlq_size"))).toHaveLength(2);
    await clock.advance("15s");
    expect(await meter.scrape("dlq_size")).toEqual({});
  });

  it("show no sizes while the database does not tell them", async () => {
    const meter = recordingMeter();
    const harness = await start([pay], { plugins: [meter.plugin], dlq: { sampleInterval: 0 } });
    await fillDeadLetters(harness.sql, 1, { tasks: 1 });
    expect(Object.keys(await meter.scrape("dlq_size"))).toHaveLength(1);
    await harness.sql("alter table oppulence_worker.graphile_worker_dlq rename to away");
    expect(await meter.scrape("dlq_size")).toEqual({});
    expect(
      (await meter.scrape("dlq_errors_total"))["dlq_errors_total{what=sample}"],
    ).toBeGreaterThan(0);
  });
});
