import { Queue, Worker } from "bullmq";
import type { Peer } from "./peer.ts";

/** Jobs that one `addBulk` adds. */
const BULK = 1_000;

/**
 * BullMQ as its documentation has it for throughput: jobs added in bulk, one worker with a concurrency
 * factor. Finished jobs are removed, as graphile-worker removes them.
 */
export function bullmq(port: number, concurrency: number): Peer {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("bench", { connection });
  let worker: Worker | undefined;
  return {
    async fill(jobs) {
      await queue.obliterate({ force: true });
      for (let from = 0; from < jobs; from += BULK) {
        const size = Math.min(BULK, jobs - from);
        const bulk = Array.from({ length: size }, (_, n) => ({ name: "no_op", data: { n } }));
        await queue.addBulk(bulk);
      }
    },
    async start({ asked, hit }) {
      worker = new Worker("bench", async () => hit(), {
        connection,
        concurrency,
        autorun: false,
        removeOnComplete: { count: 0 },
      });
      await worker.waitUntilReady();
      asked();
      void worker.run();
    },
    async untilDone() {
      for (;;) {
        const { wait = 0, active = 0 } = await queue.getJobCounts("wait", "active");
        if (wait + active === 0) return;
      }
    },
    pause: async () => worker?.close(),
    close: () => queue.close(),
  };
}
