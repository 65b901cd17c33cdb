import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Query } from "@oppulence/worker-core";
import {
  recoverPools,
  type SpawnedWorker,
  spawnWorker,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { isNotFoundError, isWrongStateError, type SagaApi, saga } from "../src/index.ts";
import { JOURNAL_PROOF } from "./journal-proof.ts";
import { JOURNAL, workflowsOf } from "./killed-worker.ts";
import { randomShapes, type Shape } from "./random-shapes.ts";
import { RUN_PROOF } from "./run-proof.ts";

/** How much is run, and how many processes are killed. */
export interface KillSizes {
  readonly shapes: number;
  readonly runs: number;
  readonly kills: number;
  readonly processes: number;
  /** How long a process that runs lives until it is killed, at most so many milliseconds. */
  readonly livesMs: number;
  readonly seed: number;
}

/** What came of it. */
export interface KillReport {
  readonly killed: number;
  readonly states: Readonly<Record<string, number>>;
  /** Attempts whose outcome nobody knows: cut off by a kill. */
  readonly lost: number;
  readonly steps: number;
  /** What does not hold, with the first rows that show it. */
  readonly violations: readonly string[];
}

const MODULE = new URL("./killed-worker.ts", import.meta.url);
/** What is left by then has come to a stop. */
const END_WITHIN_MS = 600_000;
/** Runs that are signalled between two kills. */
const SIGNALLED_AT_ONCE = 25;

/**
 * Runs random graphs in processes that are killed with -9 again and again, sends their signals before, during and after
 * they wait, and more than once, cancels some, and proves in SQL what came of all that.
 */
export async function killRuns(
  database: TestDatabase,
  sizes: KillSizes,
  progress: (text: string) => void = () => {},
): Promise<KillReport> {
  const shapes = randomShapes(sizes.shapes, sizes.seed);
  const client = createClient({
    connectionString: database.url,
    config: false,
    logger: new Logger(() => () => {}),
    plugins: [saga({ workflows: workflowsOf(shapes) })],
  });
  try {
    await client.start();
    const { query, engine } = client;
    for (const statement of JOURNAL.split(";\n")) await query(statement);
    const runs = new Runs(client.plugins.saga, shapes, sizes.runs);
    await runs.start();
    const spawn = () => spawnWorker(MODULE, { database, data: { shapes }, poolSize: 5 });
    const fleet = new Fleet(spawn, (pools) => recoverPools(engine, pools));
    fleet.start(sizes.processes);
    while (fleet.killed < sizes.kills && !(await isOver(query))) {
      await runs.disturb();
      await fleet.killOldest(sizes.livesMs);
      if (fleet.killed % 20 === 0) progress(`${fleet.killed} killed`);
    }
    await runs.signalAll();
    await untilOver(query, fleet, progress);
    await fleet.stop();
    return { killed: fleet.killed, ...(await report(query)) };
  } finally {
    await client.stop();
  }
}

/** The runs, and what happens to them from outside. */
class Runs {
  readonly #api: SagaApi;
  readonly #shapes: readonly Shape[];
  readonly #count: number;
  #turn = 0;

  constructor(api: SagaApi, shapes: readonly Shape[], count: number) {
    this.#api = api;
    this.#shapes = shapes;
    this.#count = count;
  }

  async start(): Promise<void> {
    const all = Array.from({ length: this.#count }, (_, n) => n);
    await Promise.all(
      all.map((n) => this.#api.startByName(this.#shapeOf(n).name, n, { id: `r${n}` })),
    );
    // Signals that come first.
    for (const n of all) if (n % 2 === 0) await this.#signal(n);
  }

  /** A few signals, some of which come during the wait, and one cancel. */
  async disturb(): Promise<void> {
    this.#turn += 1;
    const stride = Math.max(8, Math.ceil(this.#count / SIGNALLED_AT_ONCE));
    for (let n = this.#turn % stride; n < this.#count; n += stride) await this.#signal(n);
    const cancelled = this.#turn * 7;
    if (cancelled < this.#count) await settled(this.#api.cancel(`r${cancelled}`, "by chance"));
  }

  /** All of them once more: those that came before are there by their key. */
  async signalAll(): Promise<void> {
    for (let n = 0; n < this.#count; n++) await this.#signal(n);
  }

  async #signal(n: number): Promise<void> {
    for (const { id, kind } of this.#shapeOf(n).steps)
      if (kind === "signal") await settled(this.#api.signal(`r${n}`, id, id, { key: "once" }));
  }

  #shapeOf(n: number): Shape {
    return this.#shapes[n % this.#shapes.length] as Shape;
  }
}

/** Unless the run is over, which is as well. */
async function settled(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isWrongStateError(error) && !isNotFoundError(error)) throw error;
  }
}

/** Processes that are replaced when they are killed; what they held is given back. */
class Fleet {
  killed = 0;
  readonly #spawn: () => SpawnedWorker;
  readonly #recover: (pools: readonly string[]) => Promise<number>;
  readonly #alive: SpawnedWorker[] = [];
  readonly #dead: string[] = [];

  constructor(spawn: () => SpawnedWorker, recover: (pools: readonly string[]) => Promise<number>) {
    this.#spawn = spawn;
    this.#recover = recover;
  }

  start(count: number): void {
    for (let n = 0; n < count; n++) this.#alive.push(this.#spawn());
  }

  async killOldest(livesMs: number): Promise<void> {
    const victim = this.#alive.shift() as SpawnedWorker;
    await victim.ready.catch(() => {});
    await sleep(Math.random() * livesMs);
    await victim.kill();
    this.#dead.push(...victim.pools);
    this.killed += 1;
    this.#alive.push(this.#spawn());
    await this.recover();
  }

  /** Also of those that died before: a claim that was on its way when its process died may be committed after that. */
  async recover(): Promise<void> {
    await this.#recover(this.#dead);
  }

  async stop(): Promise<void> {
    for (const one of this.#alive) await one.kill("SIGTERM");
    await this.recover();
  }
}

async function isOver(query: Query): Promise<boolean> {
  const [row] = await query<{ isOver: boolean }>(
    `select not exists (select from oppulence_worker.saga_runs where phase not in ('done', 'parked'))
  and not exists (select from oppulence_worker.saga_steps
    where state in ('undo_queued', 'undo_running', 'undo_retrying')) as "isOver"`,
  );
  return row?.isOver === true;
}

async function untilOver(
  query: Query,
  fleet: Fleet,
  progress: (text: string) => void,
): Promise<void> {
  const deadline = performance.now() + END_WITHIN_MS;
  for (let turn = 1; !(await isOver(query)); turn++) {
    // What then is not over is told by the proof.
    if (performance.now() > deadline) return;
    if (turn % 10 === 0) await fleet.recover();
    if (turn % 100 === 0) progress("waiting for runs to end");
    await sleep(50);
  }
}

const ENDED = {
  "a run neither ended nor is parked": `select id, state, phase from oppulence_worker.saga_runs
where phase not in ('done', 'parked')`,
};

async function report(query: Query): Promise<Omit<KillReport, "killed">> {
  const violations: string[] = [];
  for (const [what, text] of Object.entries({ ...ENDED, ...RUN_PROOF, ...JOURNAL_PROOF })) {
    const rows = await query(`${text} limit 5`);
    if (rows.length > 0) violations.push(`${what}: ${JSON.stringify(rows)}`);
  }
  const states = await query<{ state: string; count: number }>(
    "select state, count(*)::int as count from oppulence_worker.saga_runs group by state order by state",
  );
  const [counts] = await query<{ lost: number; steps: number }>(
    `select (select count(*)::int from oppulence_worker.saga_attempts where outcome = 'lost') as lost,
  (select count(*)::int from oppulence_worker.saga_steps where attempt > 0) as steps`,
  );
  return {
    states: Object.fromEntries(states.map(({ state, count }) => [state, count])),
    ...(counts as { lost: number; steps: number }),
    violations,
  };
}
