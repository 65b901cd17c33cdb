import { defineTask } from "@oppulence/worker-core";
import { createHarness, type Harness } from "@oppulence/worker-testing";
import { beforeAll, describe, expect, it } from "vitest";
import { dlq } from "../src/index.ts";
import { fillDeadLetters } from "./fill-dead-letters.ts";

const ROWS = 20_000;
const tasks = Array.from({ length: 20 }, (_, n) =>
  defineTask({ identifier: `task_${n}`, run: () => {} }),
);

let harness: Harness<readonly [ReturnType<typeof dlq>]>;
beforeAll(async () => {
  harness = await createHarness({ tasks, plugins: [dlq({ reconcileInterval: "1h" })] });
  await fillDeadLetters(harness.sql, ROWS);
  return () => harness.stop();
}, 60_000);

/** Runs something and explains each statement that it sent about the table. */
async function plansOf(body: () => Promise<unknown>): Promise<string[]> {
  const { pool } = harness;
  const sent: { text: string; values: unknown[] }[] = [];
  const real = pool.query;
  pool.query = ((text: unknown, values: unknown[]) => {
    if (typeof text === "string" && text.includes("graphile_worker_dlq"))
      sent.push({ text, values });
    return (real as (...args: unknown[]) => unknown).call(pool, text, values);
  }) as typeof pool.query;
  try {
    await body();
  } finally {
    pool.query = real;
  }
  const plans: string[] = [];
  for (const { text, values } of sent) {
    const { rows } = await pool.query(`explain ${text}`, values);
    plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
  }
  return plans;
}

describe("with many dead letters", () => {
  const api = () => harness.worker.plugins.dlq;

  it("a task's first page and its next come from an index, in order", async () => {
    for (const cursor of [undefined, "15000"]) {
      const [plan] = await plansOf(() => api().list({ task: "task_7", cursor }));
      expect(plan).toContain("Index Scan Backward using graphile_worker_dlq_task");
      expect(plan).not.toMatch(/Seq Scan|Sort/);
    }
  });

  it("nor is the table read for a task whose entries are all old", async () => {
    await harness.sql(
      "update oppulence_worker.graphile_worker_dlq set task = 'task_old' where id < 2_000 and id % 20 = 7",
    );
    const [plan] = await plansOf(() => api().list({ task: "task_old" }));
    expect(plan).toContain("Index Scan Backward using graphile_worker_dlq_task");
    await harness.sql(
      "update oppulence_worker.graphile_worker_dlq set task = 'task_7' where task = 'task_old'",
    );
    await harness.sql("vacuum analyze oppulence_worker.graphile_worker_dlq");
  });

  it("groups are counted from an index alone", async () => {
    const [plan] = await plansOf(() => api().groups());
    expect(plan).toContain("Index Only Scan using graphile_worker_dlq_cause");
    const groups = await api().groups({}, { limit: 1_000 });
    expect(groups).toHaveLength(200);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(ROWS);
  });

  it("entries of a cause, of a job and with a label are found by an index", async () => {
    const [group] = await api().groups({}, { limit: 1 });
    const filters = [
      { fingerprint: group?.fingerprint ?? "" },
      { jobIds: ["77"] },
      { labels: { tenant: "t77" } },
    ];
    for (const filter of filters) {
      const [plan] = await plansOf(() => api().list(filter));
      expect(plan).not.toContain("Seq Scan");
    }
  });

  it("sizes are sampled at a bounded cost", async () => {
    const plans = await plansOf(() => api().stats());
    expect(plans).toHaveLength(1);
    expect(plans[0]).not.toContain("Seq Scan");
    expect((await api().stats()).total).toBe(ROWS);
  });

  it("large tasks are estimated, nearly right", async () => {
    await harness.sql(
      "update oppulence_worker.graphile_worker_dlq set task = 'task_0' where id % 4 > 0",
    );
    await harness.sql("vacuum analyze oppulence_worker.graphile_worker_dlq");
    const { exact, tasks: sizes } = await api().stats();
    expect(exact).toBe(false);
    const large = sizes.find(({ task }) => task === "task_0");
    expect(large?.size).toBeGreaterThan(10_000);
    expect(large?.size).toBeLessThan(25_000);
  });

  it("some thousand are reprocessed in a moment", async () => {
    const started = performance.now();
    const later = new Date("2100-01-01T00:00:00Z");
    const result = await api().reprocessDLQ({
      filter: { task: ["task_4", "task_8", "task_12", "task_16"] },
      runAt: later,
    });
    expect(result.refused).toBe(0);
    expect(result.requeued).toBeGreaterThan(900);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
