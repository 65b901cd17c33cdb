import { defineTask } from "@oppulence/worker-core";
import { recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import { start } from "./start.ts";

describe("metrics", () => {
  it("count fires, misses and repairs, and show when schedules are due next", async () => {
    const meter = recordingMeter();
    const work = defineTask({ identifier: "work", run: () => {} });
    const harness = await start({
      tasks: [work],
      plugins: [meter.plugin],
      cron: { schedules: [{ key: "m", cron: "* * * * *", task: work }] },
    });
    await harness.sql(
      "update oppulence_worker.cron_schedules set next_slot = date_trunc('minute', now() - interval '10 minutes')",
    );
    await vi.waitUntil(
      async () =>
        (await meter.scrape("scheduler_fires"))[
          "scheduler_fires_total{job_key=m,status=succeeded}"
        ],
      { timeout: 10_000 },
    );
    const shown = await meter.scrape("scheduler_");
    expect(shown["scheduler_missed_total{job_key=m}"]).toBeGreaterThanOrEqual(10);
    expect(shown["scheduler_fires_total{job_key=m,status=scheduled}"]).toBeGreaterThanOrEqual(1);
    expect(shown["scheduler_reconciled_total{action=added}"]).toBe(1);
    expect(shown["scheduler_drift_seconds{job_key=m}"]).toBeLessThan(61);
    const next = (shown["scheduler_next_run_timestamp{job_key=m}"] ?? 0) * 1_000;
    expect(next % 60_000).toBe(0);
    expect(next - Date.now()).toBeLessThanOrEqual(61_000);
    await expect(
      harness.api.schedules.create({ key: "bad", cron: "x", task: work }),
    ).rejects.toThrow();
    expect((await meter.scrape("scheduler_val"))["scheduler_validation_errors_total{}"]).toBe(1);
  });
});
