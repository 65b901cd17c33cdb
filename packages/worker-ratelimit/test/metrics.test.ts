import { createFakeClock, recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { createMetrics, showBuckets } from "../src/metrics.ts";
import type { BucketState } from "../src/store.ts";
import { meterOf } from "./meter-of.ts";

const state = (
  limiter: string,
  key: string,
  utilization: number,
  waiting: number,
): BucketState => ({
  limiter,
  key,
  utilization,
  running: undefined,
  waiting,
});

/** Gauges over buckets that a test changes. */
function shown(read: () => Promise<readonly BucketState[]>) {
  const recorded = recordingMeter();
  const clock = createFakeClock();
  const errors: string[] = [];
  showBuckets({
    meter: meterOf(recorded),
    clock,
    intervalMs: 1_000,
    read,
    onError: (message) => errors.push(message),
  });
  return { recorded, clock, errors };
}

describe("createMetrics", () => {
  it("counts under the names that dashboards know", () => {
    const recorded = recordingMeter();
    const metrics = createMetrics(meterOf(recorded));
    metrics.throttled.add(2, { task: "send", limiter: "stripe" });
    metrics.dryRuns.add(1, { task: "send", limiter: "stripe", decision: "defer" });
    metrics.quotaExceeded.add(1, { tenant: "acme" });
    metrics.errors.add(1, { what: "store" });
    metrics.wait.record(1, { limiter: "stripe" });
    expect(recorded.value("job_throttled_total{limiter=stripe,task=send}")).toBe(2);
    expect(
      recorded.value("rate_limit_dry_run_total{decision=defer,limiter=stripe,task=send}"),
    ).toBe(1);
    expect(recorded.value("tenant_quota_exceeded_total{tenant=acme}")).toBe(1);
    expect(recorded.value("rate_limit_errors_total{what=store}")).toBe(1);
  });
});

describe("showBuckets", () => {
  it("adds lines up and shows the fullest key, without a label for each key and rule", async () => {
    const { recorded } = shown(async () => [
      state("stripe", "a", 0.5, 3),
      state("stripe", "b", 0.9, 4),
      state("stripe#places", "a", 0.2, 1),
      state("send", "", 0, 0),
    ]);
    expect(await recorded.scrape("rate_limit_")).toEqual({
      "rate_limit_backlog_size{limiter=send}": 0,
      "rate_limit_backlog_size{limiter=stripe}": 8,
      "rate_limit_utilization_ratio{limiter=send}": 0,
      "rate_limit_utilization_ratio{limiter=stripe}": 0.9,
    });
  });

  it("asks the store once an interval, for both gauges", async () => {
    let reads = 0;
    const { recorded, clock } = shown(async () => {
      reads += 1;
      return [state("stripe", "", 0, reads)];
    });
    await recorded.scrape("rate_limit_backlog_size");
    await recorded.scrape("rate_limit_backlog_size");
    expect(reads).toBe(1);
    await clock.advance(1_000);
    expect(await recorded.scrape("rate_limit_backlog_size")).toEqual({
      "rate_limit_backlog_size{limiter=stripe}": 2,
    });
  });

  it("shows nothing rather than old values when the store cannot be asked", async () => {
    let isDown = false;
    const { recorded, clock, errors } = shown(async () => {
      if (isDown) throw new Error("no connection");
      return [state("stripe", "", 1, 9)];
    });
    await recorded.scrape("rate_limit_");
    isDown = true;
    await clock.advance(1_000);
    expect(await recorded.scrape("rate_limit_")).toEqual({});
    expect(errors).toEqual(["could not read how full limiters are: no connection"]);
  });
});
