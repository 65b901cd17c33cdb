import { defineTask, type TaskOptions } from "@oppulence/worker-core";
import { createHarness } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { startWithin } from "../src/index.ts";

const LATE =
  "select id from graphile_worker.add_job('remind', run_at => now() - interval '1 hour')";

/** A worker with one task, on a database of its own. */
function harnessWith(options: TaskOptions, plugin = startWithin(), start = true) {
  const remind = defineTask({ identifier: "remind", ...options, run: () => {} });
  return createHarness({ tasks: [remind], plugins: [plugin], start });
}

describe("startWithin", () => {
  it("runs a job that starts in time", async () => {
    await using harness = await harnessWith({ startWithin: "5 minutes" });
    const added = await harness.enqueue("remind", { about: "tea" });
    await harness.waitFor(added, "succeeded");
  });

  it("skips a job that SQL added and that starts too late, and says why", async () => {
    await using harness = await harnessWith({ startWithin: "5 minutes" });
    const [job] = await harness.sql<{ id: string }>(LATE);
    const { summary, note } = await harness.waitFor(job?.id ?? "", "skipped");
    expect(summary).toMatch(/^skipped by startWithin: it had to start by \d{4}-.*Z$/);
    expect(note?.code).toBe("TOO_LATE");
  });

  it("explains before the job runs what will become of it", async () => {
    await using harness = await harnessWith({ startWithin: "5 minutes" }, startWithin(), false);
    await harness.worker.migrate();
    const [job] = await harness.sql<{ id: string }>(LATE);
    const { state, plugins } = await harness.worker.explain(job?.id ?? "");
    expect(state).toBe("ready");
    expect(plugins).toMatchObject([{ plugin: "startWithin", code: "TOO_LATE", blocking: false }]);
  });

  it("applies its default to tasks without the option", async () => {
    await using harness = await harnessWith({}, startWithin({ default: "5 minutes" }));
    const [job] = await harness.sql<{ id: string }>(LATE);
    await harness.waitFor(job?.id ?? "", "skipped");
  });

  it("leaves alone a task without a limit", async () => {
    await using harness = await harnessWith({});
    const [job] = await harness.sql<{ id: string }>(LATE);
    await harness.waitFor(job?.id ?? "", "succeeded");
  });

  it("refuses what is not a duration, by name", async () => {
    await expect(harnessWith({ startWithin: "5 bananas" })).rejects.toThrow(
      'task "remind", option startWithin: expected a duration such as "30s", got "5 bananas"',
    );
    await expect(harnessWith({}, startWithin({ defalt: "1h" } as object))).rejects.toThrow(
      'plugin startWithin: unknown option "defalt", did you mean "default"?',
    );
  });
});
