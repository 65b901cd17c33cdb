import { createClient, definePlugin, type Query } from "@oppulence/worker-core";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { postgresStore } from "../src/postgres-store.ts";
import type { RateLimitStore } from "../src/store.ts";
import {
  ask,
  ids,
  kind,
  of,
  peek,
  places,
  rate,
  SLOW,
  type StoreFixture,
  wish,
} from "./store-fixture.ts";
import { storeSuite } from "./store-suite.ts";

/** The driver warns of a client that is given a statement while it has one. */
const warnings: Error[] = [];
process.on("warning", (warning) => warnings.push(warning));
afterAll(() => expect(warnings).toEqual([]));

const silent = { info() {}, warn() {}, error() {}, debug() {}, scope: () => undefined } as never;

/** A database with the tables in each of the schemas. */
async function database(schemas: readonly string[] = ["oppulence_worker"]) {
  const made = await testDatabase();
  const tables = definePlugin({
    name: "limitTables",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    producers: "not-covered",
    setup: () => ({}),
  });
  for (const schema of schemas) {
    const client = createClient({ connectionString: made.url, schema, plugins: [tables] });
    await client.migrate("auto");
    await client.stop();
  }
  const pool = made.pool();
  const sql: Query = async (text, values) =>
    (await pool.query(text, values as unknown[])).rows as never;
  const open = (options: { leaseMs?: number; schema?: string } = {}): RateLimitStore => {
    const { schema = "oppulence_worker", leaseMs = 30_000 } = options;
    const store = postgresStore({
      query: sql,
      schema: `"${schema}"`,
      pool,
      logger: silent,
      leaseMs,
      timeoutMs: 2_000,
    });
    onTestFinished(() => store.stop?.());
    return store;
  };
  return { pool, sql, open };
}

storeSuite("PostgreSQL", async (): Promise<StoreFixture> => {
  const { open } = await database();
  return { open };
});

/** Pretends that so many milliseconds have passed for a column. */
const age = (sql: Query, table: string, column: string, ms: number) =>
  sql(`update oppulence_worker.${table} set ${column} = ${column} - ${ms} * 1000`);

describe("a store in PostgreSQL, beside the suite", () => {
  it("tells a promise that nobody took again after 5 s, and finds its bucket", async () => {
    const { sql, open } = await database();
    const store = open();
    const bucket = places("p", 1);
    for (const id of ["1", "2"]) await ask(store, wish(id, of(bucket)));
    await store.release("me", ["1"]);
    expect(await store.tend(bucket)).toEqual([]);
    await age(sql, "ratelimit_places", "told", 4_000);
    expect(await store.tend(bucket)).toEqual([]);
    expect(await store.busy(["p", "r"], 5)).toEqual([]);
    await age(sql, "ratelimit_places", "told", 1_000);
    expect(await store.busy(["p", "r"], 5)).toEqual([{ limiter: "p", key: "" }]);
    expect(await store.tend(bucket)).toEqual([{ id: "2", inMs: 0 }]);
    expect(await store.tend(bucket)).toEqual([]);
  });

  it("never ends the place of one who waits for something else", async () => {
    const { open } = await database();
    const store = open({ leaseMs: 1 });
    const [a, b] = [places("a", 1), places("b", 1)];
    const other = open({ leaseMs: 60_000 });
    await ask(other, wish("1", of(b)));
    await ask(store, wish("2", of(a), of(b)));
    expect(await store.tend(a)).toEqual([]);
    expect(await kind(store, peek(of(a)))).toBe("refused");
    await other.release("me", ["1"]);
    expect(await kind(store, wish("2", of(a), of(b)))).toBe("admitted");
  });

  it("tells a turn that was due for 5 s again, but of nobody who waits elsewhere", async () => {
    const { sql, open } = await database();
    const store = open();
    const [due, full] = [rate("due", 10, 3), rate("full", SLOW, 1)];
    await ask(store, wish("x", of(due), of(full)));
    for (const id of ["1", "2"]) await store.lineUp(due, [{ id, units: 1 }]);
    await ask(store, wish("2", of(full)));
    await age(sql, "ratelimit_buckets", "tat", 60_000);
    await age(sql, "ratelimit_line", "turn", 6_000);
    expect(await store.tend(due)).toEqual([]);
    await age(sql, "ratelimit_line", "told", 6_000);
    expect(await store.tend(due)).toMatchObject([{ id: "1", inMs: 0 }]);
    expect(await store.tend(due)).toEqual([]);
  });

  it("brings units that were lost to those in line", async () => {
    const { open } = await database();
    const store = open();
    const bucket = rate("r", 1, 10);
    const { answer } = await ask(store, wish("1", of(bucket, 5, 5)));
    const [lease] = answer.kind === "admitted" ? answer.leases : [];
    await ask(store, wish("2", of(bucket)));
    await store.refund([{ bucket, units: 5, grantedAt: lease?.grantedAt ?? 0 }]);
    expect(await store.tend(bucket)).toEqual([{ id: "2", inMs: 0 }]);
  });

  it("takes one rule for a batch that has two of one bucket", async () => {
    const { open } = await database();
    const store = open();
    const requests = [5, 3, 3, 3, 3].map((burst) => peek(of(rate("r", SLOW, burst))));
    const { answers } = await store.admit("me", requests, []);
    expect(answers.map((answer) => answer.kind)).toEqual([
      "admitted",
      "admitted",
      "admitted",
      "refused",
      "refused",
    ]);
  });

  it("does not deadlock when batches name the same buckets in other orders", async () => {
    const { open } = await database();
    const stores = Array.from({ length: 8 }, () => open());
    const buckets = Array.from({ length: 12 }, (_, index) =>
      index % 2 === 0 ? rate("r", 1_000, 1_000, `${index}`) : places("p", 1_000, `${index}`),
    );
    const work = stores.map(async (store, process) => {
      for (let round = 0; round < 12; round++) {
        const shift = (process * 5 + round * 7) % buckets.length;
        const turned = [...buckets.slice(shift), ...buckets.slice(0, shift)];
        const requests = turned.map((bucket, index) =>
          wish(`${process}-${round}-${index}`, of(bucket)),
        );
        await store.admit(`${process}`, requests, []);
        await store.tend(turned[0] as (typeof buckets)[number]);
        await store.renew(`${process}`);
        await store.release(
          `${process}`,
          requests.map(({ id }) => id),
        );
      }
    });
    await Promise.all(work);
    const states = await open().states("p", 20);
    expect(states).toHaveLength(6);
    for (const state of states) expect(state).toMatchObject({ running: 0, waiting: 0 });
  }, 30_000);

  it("counts exactly when many processes ask at once", async () => {
    const { open } = await database();
    const stores = Array.from({ length: 8 }, () => open());
    const [bucket, place] = [rate("r", SLOW, 150), places("p", 40)];
    const asked = stores.flatMap((store, process) =>
      Array.from({ length: 10 }, (_, round) =>
        store.admit(
          `${process}`,
          Array.from({ length: 5 }, (_, index) =>
            wish(`${process}-${round}-${index}`, of(index === 0 ? place : bucket)),
          ),
          [],
        ),
      ),
    );
    const answers = (await Promise.all(asked)).map((admitted) =>
      admitted.answers.map((answer) => answer.kind),
    );
    expect(answers.filter(([first]) => first === "admitted")).toHaveLength(40);
    const rates = answers.flatMap(([, ...rest]) => rest);
    expect(rates.filter((answer) => answer === "admitted")).toHaveLength(150);
    expect(await open().states("r", 1)).toMatchObject([{ waiting: 320 - 150 }]);
    expect(await open().states("p", 1)).toMatchObject([{ running: 40, waiting: 40 }]);
  });

  it("does not renew a place whose answer got lost", async () => {
    const { open } = await database();
    const [asked, other] = [open({ leaseMs: 50 }), open({ leaseMs: 50 })];
    await ask(asked, wish("1", of(places("p", 1))), "me");
    await vi.waitFor(async () => {
      await other.renew("me");
      expect(await kind(other, peek(of(places("p", 1))))).toBe("admitted");
    });
  });

  it("resets and sweeps any number of keys", async () => {
    const { sql, open } = await database();
    const store = open();
    for (let from = 0; from < 2_500; from += 500) {
      const requests = Array.from({ length: 500 }, (_, index) =>
        peek(of(rate("r", 1_000, 10, `k${from + index}`))),
      );
      await store.admit("me", requests, []);
    }
    expect(await store.reset("r", undefined)).toBe(2_500);
    expect(await store.sweep(10_000)).toBe(0);
    for (const column of ["tat", "leased_at"])
      await age(sql, "ratelimit_buckets", column, 1_000_000);
    expect(await store.sweep(2_000)).toBe(2_000);
    expect(await store.sweep(2_000)).toBe(500);
    expect(await sql("select from oppulence_worker.ratelimit_buckets")).toEqual([]);
  }, 30_000);

  it("goes on with a bucket that is swept under it", async () => {
    const { sql, open } = await database();
    const [store, sweeper] = [open(), open()];
    let isOver = false;
    const sweeping = (async () => {
      while (!isOver) {
        await sql("update oppulence_worker.ratelimit_buckets set tat = 0, leased_at = 0");
        await sweeper.sweep(100);
      }
    })();
    for (let round = 0; round < 100; round++)
      expect(await kind(store, peek(of(rate("r", SLOW, 10))))).toBe("admitted");
    isOver = true;
    await sweeping;
  }, 30_000);

  it("keeps counts right when a limiter becomes another kind", async () => {
    const { open } = await database();
    const store = open();
    const [before, after] = [rate("x", SLOW, 1), places("x", 2)];
    for (const id of ["1", "2", "3"]) await ask(store, wish(id, of(before)));
    expect(ids(await store.tend(after))).toEqual(["2", "3"]);
    expect(await kind(store, wish("2", of(after)))).toBe("admitted");
    expect(await store.states("x", 1)).toMatchObject([{ running: 2, waiting: 0 }]);
    await store.release("me", ["2"]);
    await store.leave(["3"]);
    expect(await store.states("x", 1)).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("keeps limits of two schemas apart, also what they tell", async () => {
    const { open } = await database(["oppulence_worker", "Other one"]);
    const [here, there] = [open(), open({ schema: "Other one" })];
    const heard: string[] = [];
    const listener = (name: string) => ({
      overrides: () => heard.push(name),
      turns: (told: readonly string[]) => heard.push(...told),
    });
    onTestFinished(await here.listen(listener("here")));
    onTestFinished(await there.listen(listener("there")));
    heard.length = 0;
    expect(await kind(here, wish("1", of(rate("r", SLOW, 1))))).toBe("admitted");
    expect(await kind(there, wish("1", of(rate("r", SLOW, 1))))).toBe("admitted");
    const set = { limiter: "r", key: null, limits: {}, actor: null, reason: null };
    await there.setOverride(set);
    await vi.waitFor(() => expect(heard).toEqual(["there"]));
    await here.setOverride(set);
    await vi.waitFor(() => expect(heard).toEqual(["there", "here"]));
  });

  it("keeps what was done to overrides", async () => {
    const { sql, open } = await database();
    const store = open();
    const set = {
      limiter: "r",
      key: "k",
      limits: { maxPerSecond: 5 },
      actor: "ann",
      reason: "why",
    };
    await store.setOverride(set);
    await store.deleteOverride("r", "k", { actor: "ann", reason: null });
    const log =
      "select limiter, key, limits, actor, reason from oppulence_worker.ratelimit_override_log order by id";
    expect(await sql(log)).toEqual([set, { ...set, limits: null, reason: null }]);
  });
});
