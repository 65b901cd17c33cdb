import type { Client } from "pg";
import type { CaseInput } from "../bench.ts";
import { empty, fill, untilGone, vacuum, withConnection } from "./job-table.ts";
import { type MakeSystem, NO_OP, type System } from "./system.ts";
import { type Drained, timeDrain } from "./watch.ts";

/**
 * Drains a backlog that waits before the worker starts. Before, in the same process, another one is drained
 * to warm the code up.
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
  let system: System | undefined;
  const drained = await timeDrain(
    jobs,
    (watch) => {
      system = make(watch);
      return system.start();
    },
    () => untilGone(connection, first),
    measured,
  );
  await system?.stop();
  return drained;
}
