import { createWorker } from "@oppulence/worker-core";
import { defineWorkflow, type SagaApi, saga } from "@oppulence/worker-saga";
import { CHAINS_AT_ONCE, type Chains } from "./chains.ts";
import { countingPool } from "./counting-pool.ts";
import { silentLogger } from "./silent-logger.ts";

/** The platform's chains. */
export interface SagaChains extends Chains {
  /** Statements sent so far, over all connections. */
  readonly sent: () => number;
  /** Starts so many runs that wait for a signal, and resolves once they do. */
  wait(runs: number): Promise<void>;
}

/** Chains as workflows of worker-saga, each step a job; with the engine's options for throughput. */
export async function sagaChains(databaseUrl: string, steps: number): Promise<SagaChains> {
  const chain = defineWorkflow({
    name: "chain",
    steps: Array.from({ length: steps }, (_, n) => ({ id: `s${n}`, execute: () => n })),
  });
  const waiting = defineWorkflow({ name: "waiting", steps: [{ id: "go", kind: "signal" }] });
  const { pool, sent } = countingPool(databaseUrl);
  const worker = createWorker({
    pool,
    config: false,
    handleSignals: false,
    logger: silentLogger,
    plugins: [saga({ workflows: [chain, waiting] })],
    worker: {
      concurrentJobs: CHAINS_AT_ONCE,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  });
  await worker.start();
  const api: SagaApi = worker.plugins.saga;
  let runs = 0;
  const startAll = async (workflow: typeof chain | typeof waiting, count: number) => {
    const ids = Array.from({ length: count }, () => `r${runs++}`);
    await Promise.all(ids.map((id, n) => api.start(workflow, n, { id })));
  };
  return {
    sent,
    async run(chains) {
      let left = chains;
      const over = Promise.withResolvers<void>();
      const off = worker.events.on("saga:run", ({ workflow, to }) => {
        if (workflow !== "chain" || to !== "succeeded") return;
        left -= 1;
        if (left === 0) over.resolve();
      });
      await startAll(chain, chains);
      await over.promise;
      off();
    },
    async wait(count) {
      let left = count;
      const over = Promise.withResolvers<void>();
      const off = worker.events.on("saga:step", ({ workflow, to }) => {
        if (workflow !== "waiting" || to !== "waiting") return;
        left -= 1;
        if (left === 0) over.resolve();
      });
      for (let from = 0; from < count; from += 1_000)
        await startAll(waiting, Math.min(1_000, count - from));
      await over.promise;
      off();
    },
    async stop() {
      await worker.stop();
      await pool.end();
    },
  };
}
