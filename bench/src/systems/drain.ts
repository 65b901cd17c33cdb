import type { Client } from "pg";
import type { CaseInput, Note } from "../bench.ts";
import { countJobs } from "./job-counter.ts";
import { empty, fill, untilGone, vacuum, withConnection } from "./job-table.ts";
import { type MakeSystem, NO_OP } from "./system.ts";

/** What draining a backlog came to. */
export interface Drained {
  /** Jobs a second, from the start of the first to the last completion in the database. */
  readonly rate: number;
  /** CPU time of the worker's process a job, in microseconds: what the machine's other load changes least. */
  readonly cpu: Note;
}

/**
 * Drains a backlog that waits before the worker starts. Before, in the same process, a smaller one is
 * drained to warm the code up.
 */
export function drain(input: CaseInput, make: MakeSystem): Promise<Drained> {
  const { jobs = 0, warmUp = 0 } = input.size;
  return withConnection(input.databaseUrl, async (connection) => {
    if (warmUp > 0) {
      await drainOnce(connection, make, warmUp, (body) => body());
      await empty(connection);
    }
    return drainOnce(connection, make, jobs, input.measured);
  });
}

/** Drains a backlog of the given size once. */
export async function drainOnce(
  connection: Client,
  make: MakeSystem,
  jobs: number,
  measured: CaseInput["measured"],
): Promise<Drained> {
  const first = await fill(connection, NO_OP, jobs);
  await vacuum(connection);
  let cpuBefore = process.cpuUsage();
  const counter = countJobs(jobs, () => {
    cpuBefore = process.cpuUsage();
  });
  const system = make(counter.hit);
  globalThis.gc?.();
  const endedAt = await measured(async () => {
    await system.start();
    await counter.allRan;
    await untilGone(connection, first);
    return performance.now();
  });
  const { user, system: kernel } = process.cpuUsage(cpuBefore);
  await system.stop();
  return {
    rate: jobs / ((endedAt - counter.firstAt()) / 1_000),
    cpu: { what: "CPU a job in the worker's process", value: (user + kernel) / jobs, unit: "µs" },
  };
}
