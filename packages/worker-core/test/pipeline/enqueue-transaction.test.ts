import type pg from "pg";
import { describe, expect, it } from "vitest";
import {
  defineTask,
  type EnqueueDecision,
  type EnqueueInput,
  type OnError,
  type Query,
  reject,
} from "../../src/index.ts";
import { entry, plugin } from "../support/plugins.ts";
import { errorOf, idOf } from "../support/results.ts";
import { testWorker } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });
const no = reject({ code: "NO", message: "no" });

/** Writes to the log, then decides; the payload says what. */
async function log({ spec, transaction }: EnqueueInput): Promise<EnqueueDecision | undefined> {
  const query = await transaction();
  await query("insert into log values ($1)", [`${spec.payload}`]);
  if (spec.payload === "broken") await query("insert into no_such_table values (1)");
  return spec.payload === "refused" ? no : undefined;
}

async function producer(onError: OnError = "closed", run = log, timeout = 5_000) {
  const started = await testWorker({
    tasks: [task],
    plugins: [
      plugin("log", { beforeEnqueue: entry(run, { onError, timeout }) }),
      plugin("silent", { beforeEnqueue: entry(() => undefined) }),
    ],
  });
  await started.sql("create table log (line text)");
  await started.sql("create table mine (line text)");
  await started.worker.migrate();
  const lines = async (table = "log") =>
    (await started.sql<{ line: string }>(`select line from ${table}`)).map(({ line }) => line);
  /** What the caller does in a transaction of its own; committed, whatever happened. */
  const inOwn = async (body: (client: pg.PoolClient) => Promise<void>) => {
    const client = await started.pool.connect();
    try {
      await client.query("begin");
      await client.query("insert into mine values ('before')");
      await body(client);
      await client.query("insert into mine values ('after')");
      await client.query("commit");
    } finally {
      client.release();
    }
  };
  return { ...started, lines, inOwn };
}

describe("what a beforeEnqueue hook writes", () => {
  it("stands with its jobs", async () => {
    const { worker, jobs, lines } = await producer();
    await worker.addJob(task, "one");
    await worker.addJobs(["two", "three"].map((payload) => ({ task, payload })));
    expect(await lines()).toEqual(["one", "two", "three"]);
    expect(await jobs()).toHaveLength(3);
  });

  it.each(["refused", "broken"])(
    "falls with a job that is %s, and with its whole batch",
    async (payload) => {
      const { worker, jobs, lines, pool } = await producer();
      await errorOf(worker.addJob(task, payload));
      await errorOf(worker.addJobs(["good", payload].map((one) => ({ task, payload: one }))));
      expect(await lines()).toEqual([]);
      expect(await jobs()).toEqual([]);
      expect(pool.waitingCount).toBe(0);
      await worker.addJob(task, "later");
      expect(await lines()).toEqual(["later"]);
    },
  );

  it("falls when the insert itself fails", async () => {
    const { worker, lines } = await producer();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    await expect(worker.addJob(task, circular)).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    expect(await lines()).toEqual([]);
  });

  it("rejects the job even of an open hook, when its SQL failed inside the insert's transaction", async () => {
    const { worker, jobs, lines } = await producer("open");
    const error = await errorOf(worker.addJob(task, "broken"));
    expect(error).toMatchObject({ code: "JOB_REJECTED", reason: { code: "HOOK_FAILED" } });
    expect(error.message).toContain(
      "its beforeEnqueue hook failed inside the insert's transaction, which is lost with it: ",
    );
    expect(error.cause).toMatchObject({ code: "42P01" });
    expect(await jobs()).toEqual([]);
    expect(await lines()).toEqual([]);
  });

  it("may be asked for at once by the hooks of many jobs: one transaction, one query at a time", async () => {
    const { worker, jobs, lines } = await producer();
    const payloads = Array.from({ length: 200 }, (_, n) => `${n}`);
    await worker.addJobs(payloads.map((payload) => ({ task, payload })));
    expect((await lines()).sort()).toEqual(payloads.toSorted());
    expect(await jobs()).toHaveLength(200);
  });

  // It went through the pool, where it was committed without the job.
  it("is refused once the job is in or out", async () => {
    const late: Promise<unknown>[] = [];
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { worker, jobs, lines } = await producer(
      "open",
      async ({ transaction }) => {
        const query = await transaction();
        const writing = released.then(() => query("insert into log values ('late')"));
        late.push(writing.catch((error: Error) => error.message));
        await writing;
        return undefined;
      },
      50,
    );
    await worker.addJob(task, {});
    release();
    expect(await Promise.all(late)).toEqual(["the transaction that inserts the job has ended"]);
    expect(await jobs()).toHaveLength(1);
    expect(await lines()).toEqual([]);
  });
});

describe("addJob in the caller's transaction", () => {
  it("stands and falls with it, job and hooks' writes together", async () => {
    const { worker, jobs, lines, pool } = await producer();
    for (const end of ["rollback", "commit"]) {
      const client = await pool.connect();
      await client.query("begin");
      await worker.addJob(task, "one", { client });
      await worker.addJobs([{ task, payload: "two" }], { client });
      await client.query(end);
      client.release();
      expect(await lines()).toEqual(end === "commit" ? ["one", "two"] : []);
      expect(await jobs()).toHaveLength(end === "commit" ? 2 : 0);
    }
  });

  it.each(["refused", "broken"])(
    "leaves nothing of a job that is %s, when the caller goes on and commits",
    async (payload) => {
      const { worker, jobs, lines, inOwn } = await producer();
      await inOwn(async (client) => {
        await worker.addJob(task, "first", { client });
        for (let time = 0; time < 3; time++) {
          const error = await errorOf(worker.addJob(task, payload, { client }));
          expect(error).toMatchObject({ code: "JOB_REJECTED" });
        }
        await worker.addJob(task, "last", { client });
      });
      expect(await lines()).toEqual(["first", "last"]);
      expect(await lines("mine")).toEqual(["before", "after"]);
      expect((await jobs()).map((job) => job.payload)).toEqual(["first", "last"]);
    },
  );

  it("opens a transaction on the caller's client when it is in none", async () => {
    const { worker, jobs, lines, pool } = await producer();
    const client = await pool.connect();
    await worker.addJob(task, "good", { client });
    await errorOf(worker.addJob(task, "refused", { client }));
    const { rows } = await client.query("select now() = statement_timestamp() as idle");
    expect(rows).toEqual([{ idle: true }]);
    client.release();
    expect(await lines()).toEqual(["good"]);
    expect((await jobs()).map((job) => job.payload)).toEqual(["good"]);
  });

  it.each<[string, (query: Query) => (text: string, values: unknown[]) => Promise<any>]>([
    ["rows", (query) => (text, values) => query(text, values)],
    [
      "a result with rows",
      (query) => async (text, values) => ({ rows: await query(text, values) }),
    ],
  ])("takes a function that answers with %s, for any other driver", async (_, make) => {
    const { worker, jobs, lines } = await producer();
    await worker.transaction(async (query) => {
      const client = make(query);
      expect(idOf(await worker.addJob(task, "one", { client }))).toBe("1");
      await errorOf(worker.addJob(task, "refused", { client }));
      await worker.addJobs([{ task, payload: "two" }], { client });
    });
    expect(await lines()).toEqual(["one", "two"]);
    expect(await jobs()).toHaveLength(2);
    await errorOf(
      worker.transaction(async (query) => {
        await worker.addJob(task, "three", { client: query });
        throw new Error("rolled back");
      }),
    );
    expect(await jobs()).toHaveLength(2);
  });

  it("passes the database's own error on, from a transaction that failed before", async () => {
    const { worker, pool } = await producer();
    const client = await pool.connect();
    await client.query("begin");
    await client.query("select 1 / 0").catch(() => {});
    const error = await errorOf(worker.addJob(task, "one", { client }));
    expect(error.cause ?? error).toMatchObject({ code: "25P02" });
    await client.query("rollback");
    client.release();
  });
});
