import { createClient, declareTask, type Query } from "@oppulence/worker-core";
import { dlq as dlqPlugin } from "@oppulence/worker-dlq";
import { startPostgres } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { fillDeadLetters } from "../../packages/worker-dlq/test/fill-dead-letters.ts";
import type { Soak, SoakResult } from "./main.ts";

const SIZES = {
  quick: { rows: 50_000, requeue: 1_000 },
  full: { rows: 1_000_000, requeue: 10_000 },
};
const TASKS = 20;
const REPEATS = 5;
/** What is asked of the full size; the quick one is held to it as well. */
const BOUNDS_MS = { list: 50, groups: 1_000, reprocess: 5_000 };

/** How long a large dead letter queue takes to answer. */
export const dlq: Soak = {
  about: "a dead letter queue of 1,000,000 rows: first page of a task, groups, 10,000 reprocessed",
  async run(isQuick, progress): Promise<SoakResult> {
    const { rows, requeue } = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const client = createClient({
        connectionString: database.url,
        config: false,
        logger: new Logger(() => () => {}),
        tasks: Array.from({ length: TASKS }, (_, n) => declareTask({ identifier: `task_${n}` })),
        plugins: [dlqPlugin()],
      });
      try {
        await client.start();
        progress(`filling ${rows} rows`);
        await fillDeadLetters(client.query, rows);
        const { dlq } = client.plugins;
        const list = await slowest(() => dlq.list({ task: "task_3" }));
        const groups = await slowest(() => dlq.groups());
        const taskGroups = await slowest(() => dlq.groups({ task: "task_3" }));
        progress("reprocessing");
        const since = await sinceOf(client.query, requeue * TASKS);
        const started = performance.now();
        const { requeued } = await dlq.reprocessDLQ({ filter: { task: "task_3", since } });
        const reprocess = performance.now() - started;
        const [left] = await client.query<{ dead: number; queued: number }>(
          "select (select count(*)::int from oppulence_worker.graphile_worker_dlq) as dead, (select count(*)::int from graphile_worker.jobs) as queued",
        );
        const took = { list, groups, reprocess };
        const slow = Object.entries(BOUNDS_MS)
          .filter(([what, bound]) => took[what as keyof typeof took] > bound)
          .map(([what, bound]) => `${what} took more than ${bound} ms`);
        const isWhole = left?.dead === rows - requeue && left.queued === requeue;
        return {
          figures: {
            rows,
            "list by task, first page, slowest of 5, ms": round(list),
            "groups, slowest of 5, ms": round(groups),
            "groups of one task, slowest of 5, ms": round(taskGroups),
            [`reprocess ${requeued}, ms`]: round(reprocess),
          },
          violations: isWhole
            ? slow
            : [...slow, `of ${rows} rows ${left?.dead} are left and ${left?.queued} are queued`],
        };
      } finally {
        await client.stop();
      }
    } finally {
      await postgres.stop();
    }
  },
};

/** Since when the last so many rows were moved; every twentieth of them is of one task. */
async function sinceOf(query: Query, rows: number): Promise<Date> {
  const [row] = await query<{ since: Date }>(
    "select max(dead_at) - ($1::int - 1) * interval '1 second' as since from oppulence_worker.graphile_worker_dlq",
    [rows],
  );
  return (row as { since: Date }).since;
}

/** The first call, which also connects, does not count. */
async function slowest(body: () => Promise<unknown>): Promise<number> {
  await body();
  const took: number[] = [];
  while (took.length < REPEATS) {
    const started = performance.now();
    await body();
    took.push(performance.now() - started);
  }
  return Math.max(...took);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
