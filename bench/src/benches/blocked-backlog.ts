import { setTimeout as sleep } from "node:timers/promises";
import { circuitBreaker } from "@oppulence/worker-breaker";
import {
  type AnyPlugin,
  type AnyTask,
  createClient,
  definePlugin,
  defineTask,
} from "@oppulence/worker-core";
import { rateLimit } from "@oppulence/worker-ratelimit";
import type { Client } from "pg";
import type { CaseInput, Measurement, Note } from "../bench.ts";
import { drainOnce } from "../systems/drain.ts";
import { openPool } from "../systems/graphile.ts";
import { dueJobs, fill, vacuum, withConnection } from "../systems/job-table.ts";
import { platformSystem, taskThatWaits } from "../systems/platform.ts";
import { silentLogger } from "../systems/silent-logger.ts";
import type { MakeSystem } from "../systems/system.ts";
import { drainRepeatedly } from "../systems/watch.ts";
import { FAST } from "./overhead.ts";

const BLOCKED = "blocked";
const DEPENDENCY = "api";
/** Jobs that one statement adds. */
const FILL = 100_000;
/** More are due than are run at any moment: the backlog has not been put aside yet. */
const FEW = 100;
/** Throttled jobs whose fetches are counted, at the least: some at once, most in turns of their own. */
const LEAST_RUNS = 30;

/** Drains jobs of one task behind those of another whose dependency's circuit is open. */
export async function behindOpenCircuit(input: CaseInput): Promise<Measurement> {
  const task = taskThatWaits(BLOCKED, { breaker: { dependency: DEPENDENCY } });
  const plugin = circuitBreaker({ dependencies: { [DEPENDENCY]: { resetTimeout: "1h" } } });
  await openCircuit(input.databaseUrl, plugin);
  const { blocked: jobs = 0 } = input.size;
  const { rate, notes } = await drainBehind(input, task, [plugin], jobs);
  return { rows: { breaker: rate }, notes };
}

/** Opens the circuit as it opens in life: calls fail. */
async function openCircuit(
  databaseUrl: string,
  plugin: ReturnType<typeof circuitBreaker>,
): Promise<void> {
  const pool = openPool(databaseUrl);
  const client = createClient({ pool, plugins: [plugin], logger: silentLogger, config: false });
  await client.start();
  const { breaker } = client.plugins;
  const isOpen = async () => (await breaker.get(DEPENDENCY)).state === "open";
  const failing = () => Promise.reject(new Error("connect ECONNREFUSED"));
  while (!(await isOpen())) await breaker.run(DEPENDENCY, failing).catch(() => {});
  await client.stop();
  await pool.end();
}

/**
 * Drains jobs of one task behind those of another that may start ten times a second. Fetches are counted while the
 * first worker runs: between two of those that are measured nobody runs anything, and turns go by.
 */
export async function behindThrottled(input: CaseInput): Promise<Measurement> {
  const fetches = new Map<string, number>();
  const ran: string[] = [];
  const task = defineTask({
    identifier: BLOCKED,
    rateLimit: { maxPerSecond: 10 },
    run: (_, { job }) => void ran.push(job.id),
  });
  const plugins = [countFetches(fetches), rateLimit()];
  const counted: number[] = [];
  const { throttled: jobs = 0 } = input.size;
  const { rate, notes } = await drainBehind(input, task, plugins, jobs, async () => {
    while (ran.length < LEAST_RUNS) await sleep(10);
    counted.push(...ran.map((id) => fetches.get(id) ?? 0));
  });
  const sum = counted.reduce((all, count) => all + count, 0);
  return {
    rows: { throttled: rate, fetches: sum / counted.length },
    notes: [
      ...notes,
      { what: "throttled jobs whose fetches were counted", value: counted.length, unit: "jobs" },
      { what: "most fetches of one of them", value: Math.max(...counted), unit: "fetches" },
    ],
  };
}

function countFetches(fetches: Map<string, number>): AnyPlugin {
  return definePlugin({
    name: "count-fetches",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        appliesTo: ({ identifier }) => identifier === BLOCKED,
        run({ job }) {
          fetches.set(job.id, (fetches.get(job.id) ?? 0) + 1);
          return undefined;
        },
      },
    }),
  });
}

/**
 * Adds the backlog, has one worker put it aside, and measures others, which find it like that.
 *
 * @param whilePutAside - done before that first worker stops
 */
function drainBehind(
  input: CaseInput,
  task: AnyTask,
  plugins: readonly AnyPlugin[],
  jobs: number,
  whilePutAside?: () => Promise<void>,
): Promise<{ readonly rate: number; readonly notes: readonly Note[] }> {
  const make = platformSystem(input.databaseUrl, FAST, plugins, { others: [task] });
  return withConnection(input.databaseUrl, async (connection) => {
    for (let left = jobs; left > 0; left -= FILL)
      await fill(connection, BLOCKED, Math.min(FILL, left));
    await vacuum(connection);
    const putAside = await timePutAside(connection, make, jobs, whilePutAside);
    const { rate, cpu } = await drainRepeatedly(input, (some) => drainOnce(connection, make, some));
    return { rate, notes: [cpu, putAside] };
  });
}

async function timePutAside(
  connection: Client,
  make: MakeSystem,
  jobs: number,
  before: (() => Promise<void>) | undefined,
): Promise<Note> {
  const system = make({ asked: () => {}, hit: () => {} });
  const startedAt = performance.now();
  await system.start();
  while ((await dueJobs(connection, BLOCKED, FEW)) === FEW) await sleep(10);
  const seconds = (performance.now() - startedAt) / 1_000;
  await before?.();
  await system.stop();
  const what = `until a worker has put ${jobs.toLocaleString("en-US")} jobs aside`;
  return { what, value: seconds, unit: "s" };
}
