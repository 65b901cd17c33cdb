import type { Client } from "pg";
import type { CaseInput } from "../bench.ts";
import { empty, fill, untilGone, vacuum, withConnection } from "./job-table.ts";
import { type MakeSystem, NO_OP, type System } from "./system.ts";
import { type Drained, drainRepeatedly, timeDrain } from "./watch.ts";

/** Drains backlogs that wait before the worker starts, each by a new worker. */
export function drain(input: CaseInput, make: MakeSystem): Promise<Drained> {
  return withConnection(input.databaseUrl, (connection) =>
    drainRepeatedly(input, (jobs) => drainOnce(connection, make, jobs)),
  );
}

/** Drains backlogs of jobs that fail for good at their only attempt. */
export function drainFailing(input: CaseInput, make: MakeSystem): Promise<Drained> {
  const failing: MakeSystem = (watch) =>
    make({
      ...watch,
      hit() {
        watch.hit();
        throw new Error("it cannot work");
      },
    });
  return withConnection(input.databaseUrl, (connection) =>
    drainRepeatedly(input, async (jobs) => {
      await empty(connection);
      return drainOnce(connection, failing, jobs, { max_attempts: 1 });
    }),
  );
}

/** Drains a backlog of the given size once. */
export async function drainOnce(
  connection: Client,
  make: MakeSystem,
  jobs: number,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<Drained> {
  const first = await fill(connection, NO_OP, jobs, spec);
  await vacuum(connection);
  let system: System | undefined;
  const drained = await timeDrain(
    jobs,
    (watch) => {
      system = make(watch);
      return system.start();
    },
    () => untilGone(connection, first),
  );
  await system?.stop();
  return drained;
}
