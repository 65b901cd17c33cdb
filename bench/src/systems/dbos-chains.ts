import { DBOS } from "@dbos-inc/dbos-sdk";
import { CHAINS_AT_ONCE, type Chains } from "./chains.ts";

/**
 * The same chains as workflows of DBOS Transact, as its documentation has it: a function that is registered, and
 * `runStep` for each step. They are called in this process, so many at once: its queues, which poll, would be slower.
 */
export async function dbosChains(databaseUrl: string, steps: number): Promise<Chains> {
  const chain = DBOS.registerWorkflow(
    async (_: number) => {
      let last = -1;
      for (let n = 0; n < steps; n++) last = await DBOS.runStep(async () => n, { name: `s${n}` });
      return last;
    },
    { name: "chain" },
  );
  DBOS.setConfig({
    name: "bench",
    applicationVersion: "1",
    systemDatabaseUrl: databaseUrl,
    systemDatabasePoolSize: 10,
    logLevel: "error",
  });
  await DBOS.launch();
  return {
    async run(chains) {
      let next = 0;
      const caller = async () => {
        while (next < chains) {
          next += 1;
          await chain(next);
        }
      };
      await Promise.all(Array.from({ length: CHAINS_AT_ONCE }, caller));
    },
    stop: () => DBOS.shutdown(),
  };
}
