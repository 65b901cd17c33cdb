import { type Command, formatDuration } from "@oppulence/worker-core";
import type { RecoveryApi } from "./plugin.ts";

/** The commands of this plugin. */
export function recoveryCommands(api: RecoveryApi): readonly Command[] {
  return [
    {
      name: "recovery pools",
      description: "Lists pools: alive, late, dead, and unknown ones that hold jobs",
      async run({ io }) {
        const pools = await api.pools();
        const now = Date.now();
        io.table(
          pools.map((pool) => ({
            pool: pool.pool,
            state: pool.state,
            host: pool.host,
            pid: pool.pid,
            jobs: pool.jobs,
            started: pool.startedAt,
            lastBeat: io.json
              ? pool.beatAt
              : pool.beatAt && `${formatDuration(Math.max(0, now - pool.beatAt.getTime()))} ago`,
            deadAfter: pool.deadAfterMs && formatDuration(pool.deadAfterMs),
          })),
        );
      },
    },
    {
      name: "recovery sweep",
      description: "Takes the jobs of dead pools back now, without waiting for a worker to do it",
      async run({ io }) {
        const swept = await api.sweep();
        io.table(
          swept.map(({ pool, host, pid, returned, poisoned }) => ({
            pool,
            host,
            pid,
            returned,
            poisoned,
          })),
          ["pool", "host", "pid", "returned", "poisoned"],
        );
        const jobs = swept.reduce((sum, { returned }) => sum + returned, 0);
        io.line(`${swept.length} dead pools, ${jobs} jobs back in the queue`);
      },
    },
  ];
}
