import { type Killed, killAt, startPostgres, type TestDatabase } from "@oppulence/worker-testing";
import { finishAndProve } from "./finish.ts";
import type { Soak, SoakResult } from "./main.ts";
import { KINDS, TABLES } from "./soak-worker.ts";

const MODULE = new URL("./soak-worker.ts", import.meta.url);
/** A sweep that is cut short takes every so manieth statement. */
const QUICK_STEP = 7;

const modes = {
  "one job at a time": {},
  "local queue and batches": {
    localQueue: { size: 10 },
    completeJobBatchDelay: 5,
    failJobBatchDelay: 5,
  },
};

const enqueue = KINDS.map((kind) => ({
  task: "soak",
  payload: { kind },
  // A queue of its own each: a lock that is left behind would show.
  queueName: `queue of ${kind}`,
  maxAttempts: 3,
}));

/** Kills a worker before and after each statement that it sends, and proves that nothing was lost. */
export const kills: Soak = {
  about: "kill -9 before and after every statement of a worker that takes every decision",
  async run(isQuick, progress): Promise<SoakResult> {
    const postgres = await startPostgres();
    const violations: string[] = [];
    const figures: Record<string, number> = { kills: 0 };
    const step = isQuick ? QUICK_STEP : 1;
    try {
      for (const [mode, data] of Object.entries(modes)) {
        let last = Number.POSITIVE_INFINITY;
        for (const when of ["before", "after"] as const) {
          // Quick runs start at another statement each, so that two of them do not look at the same ones.
          for (let index = when === "before" ? 1 : 4; index <= last; index += step) {
            const point = `statement:${index}:${when}` as const;
            const result = await killOnce(await database(postgres), point, data);
            if (result === undefined) {
              // The worker sends no more statements; or, among those after, one has no answer to wait for.
              if (when === "before") last = index;
              continue;
            }
            figures.kills = (figures.kills ?? 0) + 1;
            const key = `${mode}: statements`;
            figures[key] = Math.max(figures[key] ?? 0, index);
            violations.push(
              ...result.map((violation) => `${mode}, killed at ${point}: ${violation}`),
            );
            if (index % 10 < step)
              progress(`${mode}, ${point}: ${violations.length} violations so far`);
          }
        }
      }
    } finally {
      await postgres.stop();
    }
    return { figures, violations };
  },
};

async function database(
  postgres: Awaited<ReturnType<typeof startPostgres>>,
): Promise<TestDatabase> {
  const template = await postgres.template("soak-kills", ({ pool }) => pool().query(TABLES));
  return postgres.createDatabase({ template });
}

/** @returns what is wrong; undefined once the worker sends fewer statements than that */
async function killOnce(
  database: TestDatabase,
  point: `statement:${string}`,
  data: object,
): Promise<string[] | undefined> {
  try {
    const killed = await killAt(point, {
      module: MODULE,
      database,
      data,
      enqueue,
      mustReach: false,
    });
    if (!killed.reached) return undefined;
    return await finishAndProve(database, killed.pools, addedJobs(killed), 1);
  } finally {
    await database.drop();
  }
}

/** Jobs that the child was told are in the queue; one whose insert it did not survive may be there or not. */
function addedJobs({ enqueued }: Killed): Map<string, string> {
  return new Map(
    enqueued.flatMap((result, index) =>
      result.status === "added" ? [[result.id, KINDS[index] as string]] : [],
    ),
  );
}
