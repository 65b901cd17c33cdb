import { describe, expect, it } from "vitest";
import type { JobSpec } from "../../src/index.ts";
import { testEngine } from "../support/engine.ts";

const spec = (identifier: string, payload: unknown, more: Partial<JobSpec> = {}) => ({
  spec: { identifier, payload, labels: {}, ...more } as JobSpec,
  payload: JSON.stringify(payload),
});

describe("engine.insert", () => {
  it("returns for each job the id that holds its payload, however the rows come back", async () => {
    const { engine, sql, add } = await testEngine();
    // Many queues and tasks: the plan then joins in another order.
    for (let n = 0; n < 30; n++) await add({ task: `task-${n % 5}`, queue: `queue-${n}` });
    await sql("analyze graphile_worker._private_job_queues, graphile_worker._private_tasks");
    const items = Array.from({ length: 300 }, (_, n) =>
      spec(
        `task-${n % 7}`,
        { n: n % 50 },
        {
          queueName: n % 3 === 0 ? `queue-${n % 40}` : undefined,
          priority: n % 4,
          runAt: n % 5 === 0 ? new Date(1e12 + n) : undefined,
          labels: n % 2 === 0 ? { parity: "even" } : {},
        },
      ),
    );
    const ids = (await engine.insert(sql as never, items)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(items.length);
    const rows = await sql(
      "select jobs.id, identifier, payload, queue_name, priority, run_at, flags from graphile_worker._private_jobs as jobs join graphile_worker._private_tasks as tasks on tasks.id = task_id left join graphile_worker._private_job_queues as queues on queues.id = job_queue_id",
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const [index, item] of items.entries()) {
      const row = byId.get(ids[index]);
      expect(row).toMatchObject({
        identifier: item.spec.identifier,
        payload: item.spec.payload,
        queue_name: item.spec.queueName ?? null,
        priority: item.spec.priority,
        flags: item.spec.labels.parity === undefined ? null : { "parity=even": true },
      });
      if (item.spec.runAt !== undefined) expect(row?.run_at).toEqual(item.spec.runAt);
    }
  });

  it("replaces, preserves or keeps a job with the same key, by mode, in one call", async () => {
    const { engine, sql, add, row } = await testEngine();
    const future = "2040-01-01T00:00:00Z";
    const [a, b, c] = [
      await add({ key: "a", runAt: future }),
      await add({ key: "b", runAt: future }),
      await add({ key: "c", payload: { old: true } }),
    ];
    const inserted = await engine.insert(sql as never, [
      spec("t", { n: 1 }, { jobKey: "a" }),
      spec("t", { n: 2 }, { jobKey: "b", jobKeyMode: "preserve_run_at" }),
      spec("t", { n: 3 }, { jobKey: "c", jobKeyMode: "unsafe_dedupe" }),
      spec("t", { n: 4 }),
    ]);
    const ids = inserted.map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual([a, b, c]);
    expect(inserted.map(({ existed }) => existed)).toEqual([false, false, true, false]);
    expect((await row(a))?.run_at.getTime()).toBeLessThan(Date.parse(future));
    expect((await row(b))?.run_at).toEqual(new Date(future));
    expect((await row(c))?.payload).toEqual({ old: true });
    expect((await row(ids[3] as string))?.payload).toEqual({ n: 4 });
  });

  it("passes payloads of every JSON shape through unchanged", async () => {
    const { engine, sql, row } = await testEngine();
    const payloads = [
      [],
      [1, [2]],
      { "": "" },
      { ümlaut: "\u{1F600}", quote: "'\"\\", nul: "\u0000", lone: "\ud800" },
      "text",
      0,
      false,
      JSON.parse('{"__proto__":{"x":1}}'),
      { big: "x".repeat(1_000_000) },
    ];
    const inserted = await engine.insert(
      sql as never,
      payloads.map((payload) => spec("t", payload)),
    );
    for (const [index, { id }] of inserted.entries())
      expect(JSON.stringify((await row(id))?.payload)).toBe(JSON.stringify(payloads[index]));
  });
});
