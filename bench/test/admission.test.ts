import { createClient, type Query } from "@oppulence/worker-core";
import { checkInvariants, type SpawnedWorker, spawnWorker } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { breaker, limits, TABLES } from "./admission-worker.ts";

const MODULE = new URL("./admission-worker.ts", import.meta.url);
const JOBS = 400;
const KILLS = 8;

/** Everything that the packages, and the third party, count of jobs that run or wait. */
const COUNTERS = `select
  (select count(*) from oppulence_worker.ratelimit_places) as places,
  (select coalesce(sum(held), 0) from oppulence_worker.ratelimit_buckets) as held,
  (select count(*) from oppulence_worker.ratelimit_line) as line,
  (select coalesce(sum(waiting), 0) from oppulence_worker.ratelimit_buckets) as waiting,
  (select coalesce(sum(line_units), 0) from oppulence_worker.ratelimit_buckets) as line_units,
  (select count(*) from oppulence_worker.breaker_probes) as probes,
  (select count(*) from desks) as desks`;

/** The packages know nothing of each other: they meet through the core. */
describe("jobs under three limiters, a breaker, and a plugin of somebody else", () => {
  it("leave no place, turn, probe or desk behind, however their processes end", async () => {
    const database = await testDatabase();
    const client = createClient({
      connectionString: database.url,
      config: false,
      plugins: [limits(), breaker()],
    });
    onTestFinished(() => client.stop());
    await client.start();
    const { query } = client;
    await query(TABLES);

    const workers: SpawnedWorker[] = [];
    const spawn = () => {
      const worker = spawnWorker(MODULE, { database });
      workers.push(worker);
      return worker;
    };
    onTestFinished(async () => {
      for (const worker of workers) await worker.kill("SIGKILL");
    });
    const first = await Promise.all(
      [spawn(), spawn(), spawn()].map(async (worker) => {
        await worker.ready;
        return worker;
      }),
    );
    await query(
      "select graphile_worker.add_job('call', json_build_object('tenant', n % 20), max_attempts := 100) from generate_series(1, $1::int) as n",
      [JOBS],
    );
    await killSome(query, first, spawn);

    await vi.waitUntil(async () => (await left(query)) === 0, { timeout: 45_000, interval: 100 });
    const done = await query<{ jobs: number }>(
      "select count(distinct job_id)::int as jobs from done",
    );
    expect(done).toEqual([{ jobs: JOBS }]);
    // A killed process's places end with their lease.
    await vi.waitFor(
      async () => {
        const [counters] = await query<Record<string, string | number>>(COUNTERS);
        for (const [name, count] of Object.entries(counters ?? {}))
          expect(Number(count), name).toBe(0);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(await client.plugins.breaker.get("api")).toMatchObject({ state: "closed" });
    for (const worker of workers) await worker.kill();
    expect(await checkInvariants(query)).toEqual([]);
  }, 90_000);
});

/** Kills one after another, each once more work was done; the dependency is down for a while in between. */
async function killSome(
  query: Query,
  alive: SpawnedWorker[],
  spawn: () => SpawnedWorker,
): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    const goal = ((kill + 1) * JOBS) / (KILLS + 2);
    if (kill === 2) {
      await query("update dependency set is_down = true");
      await vi.waitUntil(
        async () =>
          (await query("select from oppulence_worker.breaker_circuits where state = 'open'"))
            .length === 1,
        { timeout: 10_000 },
      );
      await query("update dependency set is_down = false");
    }
    await vi.waitUntil(async () => (await doneSoFar(query)) >= goal, { timeout: 30_000 });
    const victim = alive.shift();
    await victim?.kill("SIGKILL");
    alive.push(spawn());
  }
}

async function doneSoFar(query: Query): Promise<number> {
  const [row] = await query<{ count: number }>("select count(*)::int as count from done");
  return row?.count ?? 0;
}

async function left(query: Query): Promise<number> {
  const [row] = await query<{ count: number }>(
    "select count(*)::int as count from graphile_worker.jobs where task_identifier = 'call'",
  );
  return row?.count ?? 0;
}
