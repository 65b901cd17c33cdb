import { createClient, defineTask } from "@oppulence/worker-core";
import { makeWorkerUtils } from "graphile-worker";
import { z } from "zod";
import type { Bench, CaseInput, Measurement } from "../bench.ts";
import { eightPlugins } from "../systems/eight-plugins.ts";
import { openPool } from "../systems/graphile.ts";
import { empty, withConnection } from "../systems/job-table.ts";
import { silentLogger } from "../systems/silent-logger.ts";

const sendEmail = defineTask({
  identifier: "send_email",
  payload: z.object({ to: z.email(), tenantId: z.string(), attachments: z.number().int() }),
  run: () => {},
});

type Payload = z.infer<typeof sendEmail.payload>;
type Add = (payloads: readonly Payload[]) => Promise<unknown>;

export const enqueue: Bench = {
  name: "enqueue",
  about: "addJobs in batches of 1,000: bare graphile-worker, eight plugins with validation",
  unit: "jobs/s",
  base: "bare",
  rounds: 9,
  size: { batch: 1_000, batches: 20, warmUp: 10 },
  quick: { batch: 1_000, batches: 5, warmUp: 3 },
  asked: { eight: { what: "ratio", atLeast: 0.8 } },
  cases: {
    async bare(input) {
      const pgPool = openPool(input.databaseUrl);
      const utils = await makeWorkerUtils({ pgPool, logger: silentLogger });
      const { identifier } = sendEmail;
      const measurement = await measureAdds("bare", input, (payloads) =>
        utils.addJobs(payloads.map((payload) => ({ identifier, payload }))),
      );
      await utils.release();
      await pgPool.end();
      return measurement;
    },
    async eight(input) {
      const pool = openPool(input.databaseUrl);
      const plugins = eightPlugins();
      const tasks = [sendEmail];
      const client = createClient({ pool, tasks, plugins, logger: silentLogger, config: false });
      await client.start();
      const measurement = await measureAdds("eight", input, (payloads) =>
        client.addJobs(payloads.map((payload) => ({ task: sendEmail, payload }))),
      );
      await client.stop();
      await pool.end();
      return measurement;
    },
  },
};

/** Jobs a second over all batches, one after another, each from payloads to its ids. */
function measureAdds(name: string, input: CaseInput, add: Add): Promise<Measurement> {
  const { batch = 0, batches = 0, warmUp = 0 } = input.size;
  const addAll = async (count: number): Promise<number> => {
    const payloads = Array.from({ length: count }, () => payloadsOf(batch));
    const startedAt = performance.now();
    for (const some of payloads) await add(some);
    return performance.now() - startedAt;
  };
  return withConnection(input.databaseUrl, async (connection) => {
    await addAll(warmUp);
    await empty(connection);
    globalThis.gc?.();
    const cpuBefore = process.cpuUsage();
    const tookMs = await input.measured(() => addAll(batches));
    const { user, system } = process.cpuUsage(cpuBefore);
    const jobs = batch * batches;
    const cpu = {
      what: "CPU a job in the producer's process",
      value: (user + system) / jobs,
      unit: "µs",
    };
    return { rows: { [name]: jobs / (tookMs / 1_000) }, notes: [cpu] };
  });
}

function payloadsOf(count: number): Payload[] {
  return Array.from({ length: count }, (_, index) => ({
    to: `user-${index}@example.com`,
    tenantId: `tenant-${index % 100}`,
    attachments: index % 3,
  }));
}
