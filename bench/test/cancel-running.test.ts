import { cron, defineSchedule } from "@oppulence/worker-cron";
import { retries } from "@oppulence/worker-retry";
import { createHarness } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";

/** The two packages know nothing of each other: they meet through the core. */
describe("a schedule with overlap cancelRunning, and worker-retry", () => {
  it("ends the run of the slot before, in whichever process it runs", async () => {
    const begun: string[] = [];
    const reasons: unknown[] = [];
    const endless = defineSchedule({
      key: "endless",
      cron: "* * * * * *",
      overlap: "cancelRunning",
      handler: (_, { signal, correlationId }) => {
        begun.push(correlationId);
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        });
      },
    });
    const plugins = () => [cron({ schedules: [endless] }), retries({ maxAttempts: 5 })] as const;
    const harness = await createHarness({ plugins: plugins(), worker: { concurrentJobs: 5 } });
    onTestFinished(() => harness.stop());
    const other = await createHarness({
      plugins: plugins(),
      database: harness.database,
      worker: { concurrentJobs: 5 },
    });
    onTestFinished(() => other.stop());
    const api = harness.worker.plugins.cron;
    const failed = () => api.history({ key: "endless", status: "failed" });
    await expect.poll(async () => (await failed()).length, { timeout: 20_000 }).toBeGreaterThan(2);
    for (const { error, attempts } of await failed()) {
      expect(error).toContain("the next slot of schedule endless is due");
      // It is cancelled, not retried.
      expect(attempts).toBe(1);
    }
    expect(reasons[0]).toMatchObject({ code: "JOB_CANCELLED" });
    expect(new Set(begun).size).toBe(begun.length);
  });
});
