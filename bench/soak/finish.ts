import { createWorker } from "@oppulence/worker-core";
import { recoverPools, type TestDatabase } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { prove } from "./proof.ts";
import { soakPlugin, soakTask } from "./soak-worker.ts";

const DRAIN_MS = 60_000;

/**
 * Gives back what dead processes held, runs what is left, and proves that all is well.
 *
 * @param pools - pools of the dead processes
 * @returns what is wrong
 */
export async function finishAndProve(
  database: TestDatabase,
  pools: readonly string[],
  jobs: ReadonlyMap<string, string>,
  crashes: number,
): Promise<string[]> {
  const worker = createWorker({
    connectionString: database.url,
    config: false,
    handleSignals: false,
    logger: new Logger(() => () => {}),
    tasks: [soakTask],
    plugins: [soakPlugin],
    worker: { concurrentJobs: 8 },
  });
  try {
    await worker.start();
    await recoverPools(worker.engine, pools);
    const deadline = performance.now() + DRAIN_MS;
    for (;;) {
      // Failed attempts wait seconds for the engine's back-off; nothing here is about that wait.
      await worker.query(
        "select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs where attempts < max_attempts and run_at > now() + interval '1 second' and locked_at is null), run_at := now())",
      );
      const [left] = await worker.query<{ count: number }>(
        "select count(*)::int as count from graphile_worker.jobs where attempts < max_attempts or locked_at is not null",
      );
      if (left?.count === 0) break;
      if (performance.now() > deadline)
        return [`${left?.count} jobs were still waiting after ${DRAIN_MS} ms`];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return await prove(worker.query, jobs, crashes);
  } finally {
    await worker.stop();
  }
}
