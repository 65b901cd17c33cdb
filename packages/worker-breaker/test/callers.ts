import { createClient } from "@oppulence/worker-core";
import { spawnWorker } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { onTestFinished } from "vitest";
import { circuitBreaker } from "../src/index.ts";
import { type CallerData, callTask, PREPARE } from "./caller.ts";
import { PORT_VARIABLE, storeOfTest } from "./redis-plugin.ts";
import { startRedis } from "./redis-server.ts";

/** Processes that call a dependency, and a client beside them; all end with the test. */
export async function startCallers(count: number, data: CallerData) {
  if (data.redis === true) process.env[PORT_VARIABLE] = String((await startRedis()).port);
  const database = await testDatabase();
  const client = createClient({
    connectionString: database.url,
    tasks: [callTask(data.url)],
    logger: undefined as never,
    plugins: [
      circuitBreaker(data.redis === true ? { ...data.breaker, store: storeOfTest } : data.breaker),
    ],
  });
  onTestFinished(() => client.stop());
  await client.start();
  await client.query(PREPARE);
  const workers = Array.from({ length: count }, () =>
    spawnWorker(new URL("./caller.ts", import.meta.url), { database, data }),
  );
  onTestFinished(async () => {
    for (const worker of workers) await worker.kill();
  });
  await Promise.all(workers.map(({ ready }) => ready));
  return {
    database,
    client,
    workers,
    api: client.plugins.breaker,
    /** What the dependency is from now on. */
    turn: (mode: "up" | "down" | "slow") => client.query("update dependency set mode = $1", [mode]),
    /** Adds jobs that call it. */
    add: (jobs: number) =>
      client.addJobs(Array.from({ length: jobs }, (_, n) => ({ task: "call", payload: { n } }))),
    /** Jobs that failed wait for graphile-worker's back-off: it is cut short. */
    async hurry() {
      const found = await client.engine.peek({
        tasks: ["call"],
        states: ["scheduled"],
        limit: 500,
      });
      const failed = found.filter(
        ({ job, note }) => job.attempts > 0 && note?.until?.getTime() !== job.run_at.getTime(),
      );
      const ids = failed.map(({ job }) => job.id);
      if (ids.length > 0) await client.engine.reschedule(ids, { runAt: new Date() });
    },
    /** Jobs that are claimed. */
    running: async () =>
      (await client.query("select from graphile_worker.jobs where locked_at is not null")).length,
    left: async () =>
      (await client.query<{ count: number }>("select count(*)::int from graphile_worker.jobs"))[0]
        ?.count,
  };
}
