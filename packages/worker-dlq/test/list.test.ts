import { defineTask } from "@oppulence/worker-core";
import { createHarness } from "@oppulence/worker-testing";
import { beforeAll, describe, expect, it } from "vitest";
import { type DlqQuery, dlq } from "../src/index.ts";
import { fillDeadLetters } from "./fill-dead-letters.ts";
import { start } from "./start.ts";

const idle = defineTask({ identifier: "idle", run: () => {} });
/** A worker of a test's own with so many entries. */
const filled = async (count: number) => {
  const harness = await start([idle]);
  await fillDeadLetters(harness.sql, count, { tasks: 3, causes: 2 });
  return harness;
};
const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => Number(id));

/** One worker for the tests that only read: twelve entries, one of them spent, one that came back. */
let shared: Awaited<ReturnType<typeof filled>>;
beforeAll(async () => {
  const harness = await createHarness({
    tasks: [idle],
    plugins: [dlq({ reconcileInterval: "1h" })],
  });
  shared = Object.assign(harness, { api: harness.worker.plugins.dlq });
  await fillDeadLetters(harness.sql, 12, { tasks: 3, causes: 2 });
  await harness.sql(
    "update oppulence_worker.graphile_worker_dlq set requeue_count = 3 where id = 1",
  );
  await harness.sql(
    "update oppulence_worker.graphile_worker_dlq set requeue_count = 1 where id = 2",
  );
  return () => harness.stop();
});

describe("list", () => {
  it("pages from the newest on, stable while entries come and go", async () => {
    const { api, sql } = await filled(10);
    const first = await api.list({ limit: 4 });
    expect(ids(first.entries)).toEqual([10, 9, 8, 7]);
    await sql("update oppulence_worker.graphile_worker_dlq set task = task");
    await fillDeadLetters(sql, 5);
    await api.discard({ ids: ["7", "6"] });
    const second = await api.list({ limit: 4, cursor: first.next });
    expect(ids(second.entries)).toEqual([5, 4, 3, 2]);
    const third = await api.inspectDLQ({ limit: 4, cursor: second.next });
    expect(ids(third.entries)).toEqual([1]);
    expect(third.next).toBeUndefined();
  });

  it.each<[DlqQuery, readonly number[]]>([
    [{ task: "task_1" }, [10, 7, 4, 1]],
    [{ task: "task_1", limit: 2, cursor: "8" }, [7, 4]],
    [{ task: "task_1", labels: { tenant: "t4" } }, [4]],
    [{ task: "task" }, []],
    [{ task: ["task_1", "task_2"], limit: 3 }, [11, 10, 8]],
    [{ ids: ["3", "5"] }, [5, 3]],
    [{ jobIds: ["3"] }, [3]],
    [{ error: "USER 12" }, [12]],
    [{ error: "typeerror", limit: 1 }, [12]],
    [{ error: "100%" }, []],
    [{ labels: { tenant: "t4" } }, [4]],
    [{ labels: { tenant: "t4", no: "such" } }, []],
    [{ labels: {}, limit: 1 }, [12]],
    [{ reason: "attempts_exhausted", limit: 1 }, [12]],
    [{ reason: "crash_loop" }, []],
    [{ state: "dead", limit: 1 }, [12]],
    [{ state: "returned" }, [2]],
    [{ state: "spent" }, [1]],
  ])("finds %j", async (query, expected) => {
    const { api } = shared;
    expect(ids((await api.list(query)).entries)).toEqual(expected);
  });

  it("finds by time and by cause", async () => {
    const { api } = shared;
    const [newest] = (await api.list({ limit: 1 })).entries;
    const second = (await api.get("11"))?.deadAt;
    expect(ids((await api.list({ since: second })).entries)).toEqual([12, 11]);
    expect(ids((await api.list({ until: second, limit: 1 })).entries)).toEqual([10]);
    const { fingerprint = "" } = newest ?? {};
    const same = await api.list({ fingerprint });
    expect(same.entries.every((entry) => entry.fingerprint === fingerprint)).toBe(true);
    expect(same.entries).toHaveLength(2);
  });

  it.each<[object | null, string]>([
    [{ limit: 0 }, "limit"],
    [{ cursor: "abc" }, 'expected the `next` of an earlier page, got "abc"'],
    [{ cursor: "99999999999999999999" }, "cursor"],
    [{ cursor: 5 }, "cursor"],
    [{ tsk: "a" }, 'unknown option "tsk", did you mean "task"?'],
    [{ ids: ["1; drop table"] }, "expected an id"],
    [{ fingerprint: "zz" }, "expected 16 hexadecimal digits"],
    [{ state: "alive" }, "state"],
    [{ since: "yesterday" }, "since"],
    [{ since: new Date(Number.NaN) }, "since"],
    [{ labels: { a: 1 } }, "labels"],
    [{ error: "a\0b" }, "NUL"],
    [null, "expected"],
  ])("refuses %j", async (query, message) => {
    const { api } = shared;
    await expect(api.list(query as DlqQuery)).rejects.toThrow(message);
    await expect(api.list(query as DlqQuery)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

describe("get", () => {
  it("says nothing of an entry that is not there", async () => {
    const { api } = shared;
    expect(await api.get("99")).toBeUndefined();
    await expect(api.get("nine")).rejects.toThrow("expected an id");
  });
});

describe("groups", () => {
  it("shows causes, most frequent first, each with an example", async () => {
    const { api, sql } = await filled(12);
    await sql("delete from oppulence_worker.graphile_worker_dlq where id = 12");
    const groups = await api.groups();
    expect(groups.map(({ count }) => count)).toEqual([2, 2, 2, 2, 2, 1]);
    expect(groups[0]).toMatchObject({
      task: "task_2",
      errorName: "TypeError",
      errorMessage: "cannot read user 11",
      reason: "attempts_exhausted",
      exampleId: "11",
    });
    const [{ firstSeen, lastSeen }] = groups as [(typeof groups)[0]];
    expect(firstSeen.getTime()).toBeLessThan(lastSeen.getTime());
    expect(await api.groups({ task: "task_1" })).toHaveLength(2);
    expect(await api.groups({}, { limit: 1 })).toHaveLength(1);
    await expect(api.groups({}, { limit: 0 })).rejects.toThrow("limit");
  });
});

describe("stats", () => {
  it("counts by task, and tells how old the oldest is", async () => {
    const { api } = await filled(10);
    const { total, exact, tasks } = await api.stats();
    expect({ total, exact }).toEqual({ total: 10, exact: true });
    expect(tasks.map(({ task, size }) => `${task} ${size}`)).toEqual([
      "task_0 3",
      "task_1 4",
      "task_2 3",
    ]);
    const [, oldest] = tasks;
    expect(oldest?.ageSeconds).toBeGreaterThanOrEqual(9);
    expect(oldest?.ageSeconds).toBeLessThan(60);
  });

  it("says nothing of an empty table", async () => {
    const { api } = await start([idle]);
    expect(await api.stats()).toEqual({ total: 0, exact: true, tasks: [] });
    expect(await api.groups()).toEqual([]);
  });
});
