import { startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWorker, defer, definePlugin, defineTask, proceed } from "../../src/index.ts";
import { quietLogger, testWorker, until } from "../support/worker.ts";

const JOBS = 300;

/** A task that counts its runs, and a plugin that defers every third job once and counts its permits. */
function countingParts() {
  const runs = new Map<number, number>();
  const deferred = new Set<string>();
  const permits = { held: 0, granted: 0 };
  const task = defineTask({
    identifier: "count",
    run: async (payload) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      const { n } = payload as { n: number };
      runs.set(n, (runs.get(n) ?? 0) + 1);
    },
  });
  const plugin = definePlugin({
    name: "holder",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "consume",
        onError: "closed",
        run: ({ job, payload }) => {
          if ((payload as { n: number }).n % 3 === 0 && !deferred.has(job.id)) {
            deferred.add(job.id);
            return defer({ after: 20 }, { code: "ONCE", message: "once" });
          }
          permits.held++;
          permits.granted++;
          const give = () => void permits.held--;
          return proceed({ permit: { commit: give, rollback: give } });
        },
      },
    }),
  });
  const payloads = Array.from({ length: JOBS }, (_, n) => ({ task, payload: { n } }));
  return { task, plugin, runs, permits, payloads };
}

const modes = [
  { mode: "defaults", engine: { concurrentJobs: 8 } },
  // Broken connections must make room for those that repeat their statements.
  {
    mode: "a pool smaller than its workers",
    engine: { concurrentJobs: 8, maxPoolSize: 3 },
  },
  {
    mode: "local queue and batches",
    engine: {
      concurrentJobs: 8,
      localQueue: { size: 50 },
      completeJobBatchDelay: 5,
      failJobBatchDelay: 5,
    },
  },
] as const;

describe.each(modes)(
  "a worker whose connections are cut, $mode",
  { timeout: 60_000 },
  ({ engine }) => {
    it("carries on by itself: every job runs exactly once, no permit and no lock is left", async () => {
      const { task, plugin, runs, permits, payloads } = countingParts();
      const { worker, sql } = await testWorker({
        tasks: [task],
        plugins: [plugin],
        worker: engine,
      });
      let restarts = 0;
      worker.events.on("engine:restarted", () => restarts++);
      await worker.start();
      await worker.addJobs(payloads);
      for (const done of [50, 120, 200]) {
        await until(() => runs.size >= done, `${done} jobs ran`);
        await sql(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        );
      }
      await until(
        async () => (await sql("select from graphile_worker._private_jobs")).length === 0,
        "the queue is empty",
        50_000,
      );
      expect(runs.size).toBe(JOBS);
      expect([...runs.values()].filter((count) => count !== 1)).toEqual([]);
      // The engine has not noticed: nothing had to be replaced.
      expect(restarts).toBe(0);
      expect(permits).toEqual({ held: 0, granted: JOBS });
    });
  },
);

describe.each(modes)(
  "a worker whose PostgreSQL is restarted, $mode",
  { timeout: 60_000 },
  ({ engine }) => {
    it.each(["fast", "immediate"] as const)(
      "carries on by itself after a restart: %s",
      async (mode) => {
        const postgres = await startPostgres({ url: false });
        onTestFinished(() => postgres.stop());
        const database = await postgres.createDatabase();
        const { task, plugin, runs, permits, payloads } = countingParts();
        const worker = createWorker({
          connectionString: database.url,
          config: false,
          handleSignals: false,
          logger: quietLogger(),
          tasks: [task],
          plugins: [plugin],
          worker: engine,
        });
        onTestFinished(() => worker.stop({ timeout: 1_000 }));
        await worker.start();
        await worker.addJobs(payloads);
        await until(() => runs.size >= 50, "50 jobs ran");
        await postgres.restart({ mode });
        const pool = database.pool();
        const left = async () =>
          (
            await pool
              .query("select from graphile_worker._private_jobs")
              .catch(() => ({ rows: [1] }))
          ).rows.length;
        await until(async () => (await left()) === 0, "the queue is empty", 50_000);
        expect(runs.size).toBe(JOBS);
        expect([...runs.values()].filter((count) => count !== 1)).toEqual([]);
        expect(permits.held).toBe(0);
        await worker.addJob(task, { n: JOBS });
        await until(() => runs.size === JOBS + 1, "a job added after the restart ran");
      },
    );
  },
);
