import type { AnyPlugin } from "@oppulence/worker-core";
import { dlq } from "@oppulence/worker-dlq";
import { recovery } from "@oppulence/worker-recovery";
import { retries } from "@oppulence/worker-retry";
import type { Bench, Measurement } from "../bench.ts";
import { ADMITTED, admission } from "../systems/admission.ts";
import { drain, drainFailing } from "../systems/drain.ts";
import { eightPlugins } from "../systems/eight-plugins.ts";
import { bareSystem } from "../systems/graphile.ts";
import { platformSystem } from "../systems/platform.ts";
import type { Drained } from "../systems/watch.ts";

/** graphile-worker's options for throughput: what bare and platform run with. */
export const FAST: GraphileConfig.WorkerOptions = {
  concurrentJobs: 24,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

/** More starts a second than there can be. */
const NEVER_REACHED = 1_000_000;

export const overhead: Bench = {
  name: "overhead",
  about:
    "no-op jobs a second: bare graphile-worker, the core, eight plugins, the failure path, admission; and jobs that fail for good",
  unit: "jobs/s",
  base: "bare",
  bases: { failing: "bareFailing" },
  rounds: 9,
  size: { jobs: 20_000, warmUp: 20_000, repeats: 5 },
  quick: { jobs: 10_000, warmUp: 10_000, repeats: 3 },
  asked: {
    core: { what: "ratio", atLeast: 0.97 },
    eight: { what: "ratio", atLeast: 0.9 },
    failure: { what: "ratio", atLeast: 0.95 },
    admission: { what: "ratio", atLeast: 0.9 },
    failing: { what: "ratio", atLeast: 0.5 },
  },
  cases: {
    bare: async (input) => row("bare", await drain(input, bareSystem(input.databaseUrl, FAST))),
    core: async (input) =>
      row("core", await drain(input, platformSystem(input.databaseUrl, FAST, []))),
    eight: async (input) =>
      row("eight", await drain(input, platformSystem(input.databaseUrl, FAST, eightPlugins()))),
    failure: async (input) =>
      row("failure", await drain(input, platformSystem(input.databaseUrl, FAST, failurePath()))),
    admission: async (input) =>
      row(
        "admission",
        await drain(
          input,
          platformSystem(input.databaseUrl, FAST, admission(NEVER_REACHED), { options: ADMITTED }),
        ),
      ),
    bareFailing: async (input) =>
      row("bareFailing", await drainFailing(input, bareSystem(input.databaseUrl, FAST))),
    failing: async (input) =>
      row(
        "failing",
        await drainFailing(input, platformSystem(input.databaseUrl, FAST, failurePath())),
      ),
  },
};

/** The three packages of the failure path, as a user would take them. */
function failurePath(): AnyPlugin[] {
  return [retries(), recovery(), dlq()];
}

/** A case that drained a backlog. */
export function row(name: string, { rate, cpu }: Drained): Measurement {
  return { rows: { [name]: rate }, notes: [cpu] };
}
