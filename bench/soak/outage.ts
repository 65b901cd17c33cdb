import { setTimeout as sleep } from "node:timers/promises";
import type { BreakerApi } from "@oppulence/worker-breaker";
import { createClient, declareTask, type Query } from "@oppulence/worker-core";
import {
  checkInvariants,
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import type { Soak, SoakResult } from "./main.ts";
import { LEARN_WITHIN_MS, proveAttempts, proveLearning } from "./outage-proof.ts";
import { type Dependency, startDependency } from "./outage-server.ts";
import { breaker, DEPENDENCY, LEARNT, type OutageSoakData, THRESHOLD } from "./outage-worker.ts";

const MODULE = new URL("./outage-worker.ts", import.meta.url);
const PROCESSES = 4;
/** Calls that are answered before it goes down the next time. */
const BETWEEN = 150;
const SIZES = {
  quick: { jobs: 1_500, shortOutages: 3, downMs: 6_000, learnMs: LEARN_WITHIN_MS.quick },
  full: { jobs: 10_000, shortOutages: 10, downMs: 60_000, learnMs: LEARN_WITHIN_MS.full },
};
const CLOSE_WITHIN_MS = 15_000;
const DRAIN_WITHIN_MS = 180_000;

type Size = (typeof SIZES)["full"];

/** One time that the dependency was down. */
interface Outage {
  readonly calls: number;
  readonly probes: number;
}

interface Scene {
  readonly dependency: Dependency;
  readonly query: Query;
  readonly api: BreakerApi;
}

/** A dependency goes down under load, for moments and then for a minute; its own record proves what reached it. */
export const outage: Soak = {
  about:
    "breaker: an HTTP dependency that is down for 60 s, 4 processes, 10,000 jobs; what reaches it, what it costs, who learns",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    const dependency = await startDependency();
    try {
      return await withClient(await postgres.createDatabase(), (database, client) =>
        play({ database, dependency, client, size, progress }),
      );
    } finally {
      dependency.close();
      await postgres.stop();
    }
  },
};

const task = declareTask({ identifier: "call", breaker: { dependency: DEPENDENCY } });

function makeClient(database: TestDatabase) {
  return createClient({
    connectionString: database.url,
    config: false,
    tasks: [task],
    plugins: [breaker()],
    logger: new Logger(() => () => {}),
  });
}

type Client = ReturnType<typeof makeClient>;

async function withClient<T>(
  database: TestDatabase,
  body: (database: TestDatabase, client: Client) => Promise<T>,
): Promise<T> {
  const client = makeClient(database);
  try {
    await client.start();
    await client.query(LEARNT);
    return await body(database, client);
  } finally {
    await client.stop();
  }
}

async function play({
  database,
  dependency,
  client,
  size,
  progress,
}: {
  readonly database: TestDatabase;
  readonly dependency: Dependency;
  readonly client: Client;
  readonly size: Size;
  readonly progress: (text: string) => void;
}): Promise<SoakResult> {
  const data: OutageSoakData = { url: dependency.url };
  const workers = Array.from({ length: PROCESSES }, () => spawnWorker(MODULE, { database, data }));
  const { query } = client;
  try {
    await Promise.all(workers.map(({ ready }) => ready));
    const jobs = await addJobs(client, size.jobs);
    const scene = { dependency, query, api: client.plugins.breaker };
    const outages: Outage[] = [];
    while (outages.length < size.shortOutages) {
      outages.push(await goDown(scene, () => untilOpen(scene)));
      progress(`down ${outages.length} times`);
    }
    const long = await goDown(scene, () => sleep(size.downMs));
    outages.push(long);
    progress(`down for ${size.downMs} ms: ${long.calls} calls, ${long.probes} probes`);
    const healedAt = performance.now();
    const left = await untilDone(query);
    const drainMs = performance.now() - healedAt;
    await stopAll(workers);
    const { learning, violations } = await proveLearning(
      query,
      workers.map(({ pid }) => pid),
      size.learnMs,
    );
    return {
      figures: {
        jobs: size.jobs,
        processes: PROCESSES,
        "short outages": size.shortOutages,
        "most calls in a short outage": Math.max(...outages.slice(0, -1).map(({ calls }) => calls)),
        [`calls while it was down for ${size.downMs / 1_000} s`]: long.calls,
        "of them allowed: threshold × processes": THRESHOLD * PROCESSES,
        "and probes": long.probes,
        "all calls": dependency.calls.length,
        "healed to all jobs done, s": Math.round(drainMs / 100) / 10,
        openings: learning.openings,
        "opening to others' knowledge, median, ms": learning.medianMs,
        "opening to others' knowledge, longest, ms": learning.longestMs,
      },
      violations: [
        ...outages.flatMap(tooManyCalls),
        ...left,
        ...proveAttempts(dependency.calls, jobs),
        ...violations,
        ...(await checkInvariants(query)).map(
          ({ name, rows }) => `${name}: ${JSON.stringify(rows)}`,
        ),
      ],
    };
  } finally {
    await stopAll(workers);
  }
}

async function addJobs(client: Client, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += 1_000) {
    const size = Math.min(1_000, count - from);
    const results = await client.addJobs(
      Array.from({ length: size }, (_, n) => ({ task, payload: { n: from + n } })),
    );
    for (const result of results) if (result.status === "added") ids.push(result.id);
  }
  return ids;
}

/**
 * Has the dependency go down in the middle of its work, and up again once `down` resolves.
 *
 * @returns once the circuit has closed
 */
async function goDown(scene: Scene, down: () => Promise<unknown>): Promise<Outage> {
  const { dependency, query } = scene;
  const answered = () => dependency.calls.filter((call) => call.answered).length;
  const enough = answered() + BETWEEN;
  await until(() => answered() >= enough, CLOSE_WITHIN_MS, "it is not called");
  const from = new Date();
  dependency.down();
  await down();
  dependency.up();
  const to = new Date();
  const calls = dependency.failed();
  const probes = await probesWithin(query, from, to);
  await until(async () => (await stateOf(scene)) === "closed", CLOSE_WITHIN_MS, "it stays open");
  return { calls, probes };
}

async function stateOf({ api }: Scene): Promise<string> {
  return (await api.get(DEPENDENCY)).state;
}

function untilOpen(scene: Scene): Promise<void> {
  return until(async () => (await stateOf(scene)) === "open", CLOSE_WITHIN_MS, "it stays closed");
}

/** Every probe begins a half-open state, before its call is made; PostgreSQL's clock is this machine's. */
async function probesWithin(query: Query, from: Date, to: Date): Promise<number> {
  const [row] = await query<{ count: number }>(
    "select count(*)::int as count from oppulence_worker.breaker_transitions where to_state = 'half-open' and at between $1 and $2",
    [from, to],
  );
  return row?.count ?? 0;
}

function tooManyCalls({ calls, probes }: Outage, index: number): string[] {
  const most = THRESHOLD * PROCESSES + probes;
  return calls <= most
    ? []
    : [`${calls} calls reached it in outage ${index + 1}; ${most} are allowed`];
}

async function untilDone(query: Query): Promise<string[]> {
  const left = async () =>
    (await query<{ count: number }>("select count(*)::int as count from graphile_worker.jobs"))[0]
      ?.count;
  const deadline = performance.now() + DRAIN_WITHIN_MS;
  while ((await left()) !== 0) {
    if (performance.now() > deadline)
      return [`${await left()} jobs were still waiting after ${DRAIN_WITHIN_MS} ms`];
    await sleep(100);
  }
  return [];
}

async function until(
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
  otherwise: string,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${otherwise} after ${withinMs} ms`);
    await sleep(5);
  }
}

async function stopAll(workers: readonly SpawnedWorker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.kill("SIGTERM")));
}
