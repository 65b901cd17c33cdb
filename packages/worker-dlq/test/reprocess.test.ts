import { definePlugin, defineTask, drop, reject } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ReprocessInput } from "../src/index.ts";
import { queued, type StartOptions, start } from "./start.ts";

/** Fails until its payload says ok. */
const pay = defineTask({
  identifier: "pay",
  payload: z.object({ n: z.number().optional(), ok: z.boolean().optional() }),
  run: ({ ok }) => {
    if (ok !== true) throw new Error("declined");
  },
});
const other = defineTask({
  identifier: "other",
  run: () => {
    throw new Error("other");
  },
});

/** A worker with `count` dead letters of `pay`, by number. */
async function withDead(count: number, options: StartOptions = {}) {
  const harness = await start([pay, other], options);
  await harness.worker.addJobs(
    Array.from({ length: count }, (_, n) => ({ task: pay, payload: { n }, maxAttempts: 1 })),
  );
  await harness.drain();
  return harness;
}

const later = new Date("2100-01-01T00:00:00Z");
const codes = (result: { readonly refusals: readonly { readonly code: string }[] }) =>
  result.refusals.map(({ code }) => code);

describe("reprocessDLQ", () => {
  it("makes a new job of an entry, which goes, and tells where it comes from", async () => {
    const harness = await start([pay]);
    const options = {
      maxAttempts: 2,
      priority: 9,
      queueName: "q",
      jobKey: "k",
      labels: { tenant: "acme", crashes: "3" },
      flags: ["plain"],
    };
    const added = await harness.enqueue(pay, { n: 1 }, { ...options, runAt: later });
    const jobId = added.status === "added" ? added.id : "";
    await harness.api.moveToDeadLetter(jobId);
    const [entry] = (await harness.api.list()).entries;
    const result = await harness.api.reprocessDLQ({ ids: [entry?.id ?? ""], runAt: later });
    expect(result).toMatchObject({
      matched: 1,
      requeued: 1,
      refused: 0,
      refusals: [],
      dryRun: false,
    });
    expect((await harness.api.list()).entries).toEqual([]);
    const [record] = await harness.worker.engine.peek({ tasks: ["pay"] });
    expect(record?.job).toMatchObject({
      id: result.jobs[0]?.newJobId,
      payload: { n: 1 },
      priority: 9,
      key: "k",
      queue_name: "q",
      attempts: 0,
      max_attempts: 2,
      run_at: later,
      flags: {
        plain: true,
        "tenant=acme": true,
        [`dlq.origin=${jobId}`]: true,
        "dlq.requeues=1": true,
      },
    });
  });

  it("keeps the first id and counts each return, backs off, and stops at maxRequeues unless forced", async () => {
    const harness = await withDead(1, {
      dlq: { maxRequeues: 2, requeueBackoff: { base: "1h", factor: 3 } },
    });
    const [first] = (await harness.api.list()).entries;
    await harness.api.reprocessDLQ({ filter: {} });
    await harness.drain();
    const [second] = (await harness.api.list()).entries;
    expect(second).toMatchObject({ originId: first?.jobId, requeueCount: 1, state: "returned" });
    const before = Date.now();
    await harness.api.reprocessDLQ({ filter: {} });
    const [waiting] = await harness.worker.engine.peek({ tasks: ["pay"] });
    const delay = (waiting?.job.run_at.getTime() ?? 0) - before;
    expect(delay).toBeGreaterThan(3_500_000);
    expect(delay).toBeLessThan(3_700_000);
    await harness.api.moveToDeadLetter(waiting?.job.id ?? "", { error: new Error("again") });
    const [third] = (await harness.api.list()).entries;
    expect(third).toMatchObject({ originId: first?.jobId, requeueCount: 2, state: "spent" });
    const refused = await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    expect(codes(refused)).toEqual(["REQUEUES_SPENT"]);
    const forced = await harness.api.reprocessDLQ({ filter: {}, runAt: later, force: true });
    expect(forced).toMatchObject({ requeued: 1, refused: 0 });
  });

  it("reprocesses a whole cause with a fixed payload, and leaves the others", async () => {
    const harness = await withDead(5);
    await harness.enqueue(other, {}, { maxAttempts: 1 });
    await harness.drain();
    const [group] = await harness.api.groups();
    const result = await harness.api.reprocessDLQ({
      fingerprint: group?.fingerprint ?? "",
      payload: ({ payload }: { payload: unknown }) => ({ ...(payload as object), ok: true }),
    });
    expect(result).toMatchObject({ matched: 5, requeued: 5 });
    await harness.drain();
    expect((await harness.api.list()).entries.map(({ task }) => task)).toEqual(["other"]);
    expect(await queued(harness)).toEqual([]);
  });

  it("counts and changes nothing in a dry run", async () => {
    const harness = await withDead(3);
    await harness.sql("update oppulence_worker.graphile_worker_dlq set task = 'gone' where id = 1");
    const result = await harness.api.reprocessDLQ({ filter: {}, dryRun: true });
    expect(result).toMatchObject({ matched: 3, requeued: 2, refused: 1, jobs: [], dryRun: true });
    expect((await harness.api.list()).entries).toHaveLength(3);
    expect(await queued(harness)).toEqual([]);
  });

  it("spreads jobs over a time, each with an instant of its own", async () => {
    const harness = await withDead(4);
    await harness.api.reprocessDLQ({ filter: {}, runAt: later, spreadOver: "40s" });
    const records = await harness.worker.engine.peek({ tasks: ["pay"] });
    const offsets = records.map(({ job }) => job.run_at.getTime() - later.getTime());
    expect(offsets.sort((a, b) => a - b)).toEqual([0, 10_000, 20_000, 30_000]);
  });

  it("takes priority and attempts that it is given", async () => {
    const harness = await withDead(1);
    await harness.api.reprocessDLQ({ filter: {}, runAt: later, priority: -3, maxAttempts: 7 });
    const [record] = await harness.worker.engine.peek({ tasks: ["pay"] });
    expect(record?.job).toMatchObject({ priority: -3, max_attempts: 7 });
  });

  it("refuses by name what cannot go, keeps it, and takes the rest", async () => {
    const harness = await withDead(3);
    await harness.sql("update oppulence_worker.graphile_worker_dlq set task = 'payy' where id = 1");
    await harness.sql(
      `update oppulence_worker.graphile_worker_dlq set payload = '{"n":"one"}' where id = 2`,
    );
    const result = await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    expect(result).toMatchObject({ matched: 3, requeued: 1, refused: 2 });
    expect(codes(result)).toEqual(["UNKNOWN_TASK", "INVALID_PAYLOAD"]);
    expect(result.refusals[0]?.message).toContain('no task "payy" is known here');
    expect(result.refusals[1]?.message).toMatch(/schema of task "pay": n: /);
    expect((await harness.api.list()).entries.map(({ id }) => id)).toEqual(["2", "1"]);
  });

  it("refuses a new payload that does not fit, and a payload function that throws", async () => {
    const harness = await withDead(1);
    const wrong = await harness.api.reprocessDLQ({ filter: {}, payload: { ok: "yes" } });
    expect(codes(wrong)).toEqual(["INVALID_PAYLOAD"]);
    const throws = () => {
      throw new Error("my bug");
    };
    const threw = await harness.api.reprocessDLQ({ filter: {}, payload: throws });
    expect(threw.refusals[0]?.message).toBe("the payload function threw: my bug");
    expect((await harness.api.list()).entries).toHaveLength(1);
  });

  it("refuses a redacted payload, unless it is given another one", async () => {
    const harness = await withDead(1, { dlq: { redact: ["payload.n"] } });
    expect(codes(await harness.api.reprocessDLQ({ filter: {} }))).toEqual(["PAYLOAD_REDACTED"]);
    const given = await harness.api.reprocessDLQ({ filter: {}, payload: { n: 1, ok: true } });
    expect(given).toMatchObject({ requeued: 1 });
  });

  it("tells of a live job with the same key, and leaves both as they are", async () => {
    const harness = await start([pay]);
    for (const n of [1, 2]) {
      await harness.enqueue(pay, { n }, { maxAttempts: 1, jobKey: `k${n}` });
      await harness.drain();
    }
    const live = await harness.enqueue(pay, { n: 9 }, { jobKey: "k1", runAt: later });
    const result = await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    expect(result).toMatchObject({ matched: 2, requeued: 1, refused: 1 });
    expect(codes(result)).toEqual(["JOB_KEY_EXISTS"]);
    expect(result.refusals[0]?.message).toContain(
      `job ${live.status === "added" && live.id} has the key`,
    );
    expect((await harness.api.list()).entries).toHaveLength(1);
    const records = await harness.worker.engine.peek({ tasks: ["pay"] });
    expect(records.map(({ job }) => job.payload)).toEqual([{ n: 9 }, { n: 2 }]);
  });

  it("keeps the second of two entries with one key", async () => {
    const harness = await withDead(2);
    await harness.sql("update oppulence_worker.graphile_worker_dlq set job_key = 'same'");
    const result = await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    expect(codes(result)).toEqual(["JOB_KEY_EXISTS"]);
    expect((await harness.api.list()).entries.map(({ id }) => id)).toEqual(["2"]);
  });

  it("keeps the one that another plugin refuses or drops, with its reason", async () => {
    const picky = definePlugin({
      name: "picky",
      producers: "not-covered",
      setup: () => ({
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          run: ({ spec }) => {
            if (!("dlq.origin" in spec.labels)) return undefined;
            const { n } = spec.payload as { n: number };
            if (n === 0) return reject({ code: "NO", message: "not this one" });
            return n === 1 ? drop({ code: "SEEN", message: "seen before" }) : undefined;
          },
        },
      }),
    });
    const harness = await withDead(4, { plugins: [picky] });
    const result = await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    expect(result).toMatchObject({ matched: 4, requeued: 2, refused: 2 });
    expect(codes(result).sort()).toEqual(["JOB_REJECTED", "SEEN"]);
    expect((await harness.api.list()).entries).toHaveLength(2);
    expect(await queued(harness)).toHaveLength(2);
  });

  it("says which ids are not there, and tells its progress", async () => {
    const harness = await withDead(2);
    const seen: string[] = [];
    const result = await harness.api.reprocessDLQ({
      ids: ["1", "77", "002"],
      runAt: later,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(result).toMatchObject({ matched: 2, requeued: 2, refused: 1 });
    expect(result.refusals).toMatchObject([{ id: "77", code: "NOT_FOUND" }]);
    expect(seen).toEqual(["2/2"]);
  });

  it("reprocesses each entry once, however many ask for it at once", async () => {
    const harness = await withDead(60);
    const results = await Promise.all(
      Array.from({ length: 4 }, () => harness.api.reprocessDLQ({ filter: {}, runAt: later })),
    );
    expect(results.reduce((sum, { requeued }) => sum + requeued, 0)).toBe(60);
    expect(await queued(harness)).toHaveLength(60);
    expect((await harness.api.list()).entries).toEqual([]);
  });

  it("has an entry in the queue or in the table at every moment, never in both or in neither", async () => {
    const harness = await withDead(40);
    const running = harness.api.reprocessDLQ({ filter: {}, runAt: later });
    let isOver = false;
    void running.finally(() => {
      isOver = true;
    });
    const counts = new Set<number>();
    do {
      const [row] = await harness.sql<{ both: number }>(
        `select (select count(*) from graphile_worker.jobs)::int
          + (select count(*) from oppulence_worker.graphile_worker_dlq)::int as both`,
      );
      counts.add(row?.both ?? -1);
    } while (!isOver);
    await running;
    expect([...counts]).toEqual([40]);
  });

  it("leaves everything as it was when the transaction fails", async () => {
    const harness = await withDead(3);
    await harness.sql(
      `create function fail() returns trigger language plpgsql as $$ begin raise 'no delete'; end $$`,
    );
    await harness.sql(
      "create trigger fail before delete on oppulence_worker.graphile_worker_dlq execute function fail()",
    );
    await expect(harness.api.reprocessDLQ({ filter: {}, runAt: later })).rejects.toThrow(
      "no delete",
    );
    expect((await harness.api.list()).entries).toHaveLength(3);
    expect(await queued(harness)).toEqual([]);
  });

  it("works in a client, too", async () => {
    const harness = await withDead(1);
    await harness.client.start();
    const result = await harness.client.plugins.dlq.reprocessDLQ({ filter: {}, runAt: later });
    expect(result.requeued).toBe(1);
  });

  it("carries as many labels as the pipeline takes, and what SQL set that no label may be", async () => {
    const harness = await start([pay]);
    const flags = [...Array.from({ length: 40 }, (_, n) => `l${n}=${n}`), "bad name=x", "plain"];
    await harness.sql(
      "select graphile_worker.add_job('pay', '{}', flags := $1, max_attempts := 1)",
      [flags],
    );
    await harness.drain();
    await harness.api.reprocessDLQ({ filter: {}, runAt: later });
    const [record] = await harness.worker.engine.peek({ tasks: ["pay"] });
    const kept = Object.keys(record?.job.flags ?? {});
    for (const flag of flags) expect(kept).toContain(flag);
    expect(kept).toHaveLength(flags.length + 2);
  });

  it("refuses input that is wrong, and says what would be right", async () => {
    const { api } = await start([pay]);
    const wrong: [Partial<ReprocessInput>, string][] = [
      [{}, "needs at least one of ids, filter, fingerprint"],
      [{ filter: { tsk: "x" } as never }, 'did you mean "task"'],
      [{ filter: {}, spreadOver: "5 bananas" }, "unit"],
      [{ filter: {}, priority: 99_999 }, "priority"],
      [{ filter: {}, maxAttempts: 0 }, "maxAttempts"],
      [{ filter: {}, runAt: "soon" as never }, "runAt"],
      [{ ids: ["one"] }, "expected an id"],
      [{ filter: {}, dryrun: true } as never, 'did you mean "dryRun"'],
    ];
    for (const [input, message] of wrong)
      await expect(api.reprocessDLQ(input)).rejects.toThrow(message);
  });
});
