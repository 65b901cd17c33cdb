import { type AnyPlugin, defer, definePlugin } from "@oppulence/worker-core";
import type { Bench, CaseInput, Measurement } from "../bench.ts";
import { ADMISSION_STATEMENTS, ADMITTED, admission } from "../systems/admission.ts";
import { type CountingPool, countingPool } from "../systems/counting-pool.ts";
import { eightPlugins } from "../systems/eight-plugins.ts";
import { bareSystem, type NewPool } from "../systems/graphile.ts";
import { fill, untilGone, withConnection } from "../systems/job-table.ts";
import { platformSystem } from "../systems/platform.ts";
import { type MakeSystem, NO_OP } from "../systems/system.ts";
import { countJobs } from "../systems/watch.ts";
import { FAST } from "./overhead.ts";

type Engine = GraphileConfig.WorkerOptions;
type Make = (engine: Engine, newPool: NewPool) => MakeSystem;

/** The engine's own options, but for as many jobs at once as the fast ones have. */
const PLAIN: Engine = { concurrentJobs: 24 };

export const roundtrips: Bench = {
  name: "roundtrips",
  about:
    "statements a job: bare, eight plugins, a plugin that defers each job once; of a busy limiter and a breaker alone",
  unit: "statements/job",
  base: "bare",
  rounds: 3,
  size: { jobs: 2_000 },
  quick: { jobs: 500 },
  bases: { limited: null },
  asked: { limited: { what: "median", atMost: 0.1 } },
  cases: {
    bare: (input) =>
      count("bare", input, (engine, pool) => bareSystem(input.databaseUrl, engine, pool)),
    eight: (input) => count("eight", input, platform(input, eightPlugins)),
    deferring: (input) =>
      count(
        "deferring",
        input,
        platform(input, () => [deferOnce()]),
      ),
    limited: countLimited,
  },
};

function platform(input: CaseInput, plugins: () => readonly AnyPlugin[]): Make {
  return (engine, pool) => platformSystem(input.databaseUrl, engine, plugins(), { newPool: pool });
}

async function count(name: string, input: CaseInput, make: Make): Promise<Measurement> {
  const plain = await statementsPerJob(input, (pool) => make(PLAIN, pool));
  const fast = await statementsPerJob(input, (pool) => make(FAST, pool));
  return {
    rows: { [name]: plain },
    notes: [{ what: "with a local queue of 500", value: fast, unit: "statements/job" }],
  };
}

/** As many starts a second as the limiter of {@link countLimited} allows: 24 jobs at once, of 24 ms each. */
const HOT = 1_000;
const JOB_MS = 24;

/** Statements of admission alone: those of the engine are in the other cases. */
async function countLimited(input: CaseInput): Promise<Measurement> {
  const limited = (newPool: NewPool) =>
    platformSystem(input.databaseUrl, FAST, admission(HOT), {
      newPool,
      options: ADMITTED,
      jobMs: JOB_MS,
    });
  const own = await statementsPerJob(input, limited, ADMISSION_STATEMENTS);
  return { rows: { limited: own } };
}

/**
 * Statements from the moment that jobs are added to an idle system until the last completion, over all of
 * its connections.
 *
 * @param counts - which statements, by their text; all when undefined
 */
function statementsPerJob(
  input: CaseInput,
  make: (pool: NewPool) => MakeSystem,
  counts?: RegExp,
): Promise<number> {
  const { jobs = 0 } = input.size;
  return withConnection(input.databaseUrl, async (connection) => {
    let counted: CountingPool | undefined;
    const sent = () => counted?.sent() ?? 0;
    const counter = countJobs(jobs + 1);
    const system = make((url) => {
      counted = countingPool(url, counts);
      return counted.pool;
    })(counter);
    await system.start();
    await untilGone(connection, await fill(connection, NO_OP, 1));
    const before = sent();
    await input.measured(async () => {
      const first = await fill(connection, NO_OP, jobs);
      await counter.allRan;
      await untilGone(connection, first);
    });
    const statements = sent() - before;
    await system.stop();
    return statements / jobs;
  });
}

/** Defers each job once, all to their own instant within half a second. */
function deferOnce(): AnyPlugin {
  const seen = new Set<string>();
  return definePlugin({
    name: "defer-once",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        run({ job }) {
          if (seen.has(job.id)) return undefined;
          seen.add(job.id);
          const after = 200 + (Number(job.id) % 300);
          return defer({ after }, { code: "LATER", message: "each job once" });
        },
      },
    }),
  });
}
