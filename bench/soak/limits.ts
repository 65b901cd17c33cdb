import { setTimeout as sleep } from "node:timers/promises";
import { createClient, declareTask, type Query } from "@oppulence/worker-core";
import {
  checkInvariants,
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { startBenchRedis } from "../src/services/redis.ts";
import { type Proof, provePlaces, proveRate, proveWindow, watchPlaces } from "./limits-proof.ts";
import { type LimitsSoakData, limits as plugin, RATES, TABLES } from "./limits-worker.ts";
import type { Soak, SoakResult } from "./main.ts";

const MODULE = new URL("./limits-worker.ts", import.meta.url);
const PROCESSES = 4;
/** On a machine that does other things as well, such as CI's, the quick size asks for less. */
const SIZES = {
  quick: { seconds: 8, rate: 0.9, slackMs: 10_000 },
  full: { seconds: 60, rate: 0.97, slackMs: 0 },
};
/** Of places there are half as many a second as jobs that come. */
const DRAIN_WITHIN_MS = 180_000;

type Size = (typeof SIZES)["full"];

const tasks = ["arriving", "steady", "held"].map((identifier) => declareTask({ identifier }));

/** Four processes under limits: what started when, and what ran at once, is proved from what the jobs wrote themselves. */
export const limits: Soak = {
  about:
    "limiter: random arrivals, units and kills, a steady backlog, and places, 4 processes, both stores",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    const redis = await startBenchRedis();
    try {
      const results: SoakResult[] = [];
      for (const [store, redisPort] of [
        ["PostgreSQL", undefined],
        ...(typeof redis === "string" ? [] : [["Redis", redis.port] as const]),
      ] as const) {
        const database = await postgres.createDatabase();
        results.push(await playAll({ store, database, data: { redisPort }, size, progress }));
      }
      return {
        figures: Object.assign({}, ...results.map(({ figures }) => figures)),
        violations: [
          ...results.flatMap(({ violations }) => violations),
          ...(typeof redis === "string" ? [`Redis was left out: ${redis}`] : []),
        ],
      };
    } finally {
      if (typeof redis !== "string") await redis.stop();
      await postgres.stop();
    }
  },
};

interface Play {
  readonly store: string;
  readonly database: TestDatabase;
  readonly data: LimitsSoakData;
  readonly size: Size;
  readonly progress: (text: string) => void;
}

async function playAll({ store, database, data, size, progress }: Play): Promise<SoakResult> {
  const client = createClient({
    connectionString: database.url,
    config: false,
    tasks,
    plugins: [plugin(data)],
    logger: new Logger(() => () => {}),
  });
  const { query } = client;
  const fleet = new Fleet(database, data);
  const watch = new AbortController();
  try {
    await client.start();
    await query(TABLES);
    const add = (task: string, payloads: readonly object[]) =>
      client.addJobs(payloads.map((payload) => ({ task, payload })));
    await fleet.start();

    await add("steady", jobs(size.seconds * RATES.steady.perSecond));
    await untilDone(query, (2 * size.seconds + 5) * 1_000);
    const proofs: Proof[] = [await proveWindow(query, "steady"), await proveRate(query, size.rate)];
    progress(`${store}: a steady backlog of ${size.seconds} s is done`);

    const overdue = data.redisPort === undefined ? watchPlaces(query, watch.signal) : undefined;
    const killing = fleet.killEverySecond(query, size.seconds);
    await Promise.all([killing, arrive(add, size.seconds), keepBusy(add, size.seconds)]);
    progress(`${store}: ${fleet.kills} processes were killed`);
    const left = await untilDone(query, DRAIN_WITHIN_MS);
    watch.abort();
    proofs.push(
      await proveWindow(query, "arriving"),
      await provePlaces(query, await overdue, size.slackMs),
    );
    const waiting = await client.plugins.rateLimit.limits.list();
    await fleet.stop();
    return {
      figures: named(store, {
        ...Object.assign({}, ...proofs.map(({ figures }) => figures)),
        "processes killed": fleet.kills,
      }),
      violations: [
        ...proofs.flatMap(({ violations }) => violations),
        ...left,
        ...waiting.flatMap((each) =>
          each.waiting > 0 || each.running > 0
            ? [`limiter ${each.limiter} still has ${each.waiting} in line, ${each.running} running`]
            : [],
        ),
        ...(await checkInvariants(query)).map(
          ({ name, rows }) => `${name}: ${JSON.stringify(rows)}`,
        ),
      ].map((violation) => `${store}: ${violation}`),
    };
  } finally {
    watch.abort();
    await fleet.stop();
    await client.stop();
  }
}

/** The processes; one that is killed is followed by another. */
class Fleet {
  kills = 0;
  readonly #database: TestDatabase;
  readonly #data: LimitsSoakData;
  #alive: SpawnedWorker[] = [];

  constructor(database: TestDatabase, data: LimitsSoakData) {
    this.#database = database;
    this.#data = data;
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: PROCESSES }, () => this.#spawn().ready));
  }

  async killEverySecond(query: Query, seconds: number): Promise<void> {
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      await sleep(1_000);
      const victim = this.#alive.shift();
      if (victim === undefined) throw new Error("no process is left");
      // Whatever runs there ends after this.
      const exited = victim.kill("SIGKILL");
      await query("insert into kills values ($1)", [victim.pid]);
      await exited;
      this.kills += 1;
      // A process that has yet to start holds nothing.
      await this.#spawn().ready;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#alive.map((worker) => worker.kill("SIGTERM")));
    this.#alive = [];
  }

  #spawn(): SpawnedWorker {
    const worker = spawnWorker(MODULE, { database: this.#database, data: this.#data });
    this.#alive.push(worker);
    return worker;
  }
}

/** Jobs that come alone and in crowds, on the whole more than may start. */
async function arrive(
  add: (task: string, payloads: readonly object[]) => Promise<unknown>,
  seconds: number,
): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    const count = Math.random() < 0.1 ? 60 : Math.ceil(Math.random() * 8);
    await add(
      "arriving",
      jobs(count).map(() => ({ units: Math.ceil(Math.random() * 4) })),
    );
    await sleep(Math.random() * 400);
  }
}

/** More jobs a second than there are places for. */
async function keepBusy(
  add: (task: string, payloads: readonly object[]) => Promise<unknown>,
  seconds: number,
): Promise<void> {
  await add("held", jobs(100));
  for (let second = 0; second < seconds; second++) {
    await add("held", jobs(110));
    await sleep(1_000);
  }
}

function jobs(count: number): object[] {
  return Array.from({ length: count }, (_, n) => ({ n }));
}

async function untilDone(query: Query, withinMs: number): Promise<string[]> {
  const left = async () =>
    (await query<{ count: number }>("select count(*)::int as count from graphile_worker.jobs"))[0]
      ?.count;
  const deadline = performance.now() + withinMs;
  while ((await left()) !== 0) {
    if (performance.now() > deadline)
      return [`${await left()} jobs were still waiting after ${withinMs} ms`];
    await sleep(100);
  }
  return [];
}

function named(store: string, figures: Readonly<Record<string, number | string>>) {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [`${store}, ${name}`, value]),
  );
}
