import { PgBoss } from "pg-boss";
import { withConnection } from "./job-table.ts";
import type { Peer } from "./peer.ts";

const QUEUE = "no_op";
const INSERT = 1_000;

/**
 * pg-boss with its fastest documented fetch: jobs taken in batches, and a full batch followed by the next
 * without a pause.
 */
export async function pgBoss(
  databaseUrl: string,
  { workers, batchSize }: { readonly workers: number; readonly batchSize: number },
): Promise<Peer> {
  const boss = new PgBoss({
    connectionString: databaseUrl,
    max: 10,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    async fill(jobs) {
      await boss.deleteAllJobs(QUEUE);
      for (let from = 0; from < jobs; from += INSERT) {
        const size = Math.min(INSERT, jobs - from);
        await boss.insert(
          QUEUE,
          Array.from({ length: size }, (_, n) => ({ data: { n } })),
        );
      }
      await withConnection(databaseUrl, (connection) => connection.query("vacuum (analyze)"));
    },
    async start({ asked, hit }) {
      asked();
      await boss.work(
        QUEUE,
        {
          localConcurrency: workers,
          batchSize,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
        },
        async (jobs) => {
          for (const _ of jobs) hit();
        },
      );
    },
    untilDone: () =>
      withConnection(databaseUrl, async (connection) => {
        for (;;) {
          const { rows } = await connection.query(
            "select from pgboss.job where name = $1 and state < 'completed' limit 1",
            [QUEUE],
          );
          if (rows.length === 0) return;
        }
      }),
    pause: () => boss.offWork(QUEUE),
    close: () => boss.stop({ graceful: false }),
  };
}
