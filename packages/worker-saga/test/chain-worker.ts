import type { WorkerModule } from "@oppulence/worker-testing";
import { defineWorkflow, saga } from "../src/index.ts";

/** Three steps, each of which writes that it ran; the second one in the transaction that records it. */
export const chain = defineWorkflow({
  name: "chain",
  steps: (flow) =>
    flow
      .step({
        id: "a",
        execute: async ({ query, idempotencyKey }) => {
          await query("insert into ran values ('a', $1)", [idempotencyKey]);
          return "A";
        },
      })
      .step({
        id: "b",
        transactional: true,
        execute: async ({ query, results, idempotencyKey }) => {
          await query("insert into ran values ('b', $1)", [idempotencyKey]);
          return `${results.a}B`;
        },
      })
      .step({
        id: "c",
        execute: async ({ query, results, idempotencyKey }) => {
          await query("insert into ran values ('c', $1)", [idempotencyKey]);
          return `${results.b}C`;
        },
      }),
});

/** Waits for a signal, and then does something. */
export const waits = defineWorkflow({
  name: "waits",
  steps: (flow) =>
    flow.waitForSignal({ id: "go" }).step({
      id: "after",
      execute: async ({ query, results, idempotencyKey }) => {
        await query("insert into ran values ($1, $2)", [
          JSON.stringify(results.go),
          idempotencyKey,
        ]);
        return results.go;
      },
    }),
});

/** A process that runs them. */
export const config: WorkerModule = () => ({
  plugins: [saga({ workflows: [chain, waits], pollInterval: "50ms", reconcileInterval: "1h" })],
  worker: { concurrentJobs: 2, pollInterval: 100 },
});
