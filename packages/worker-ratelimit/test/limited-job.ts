import type { Labels } from "@oppulence/worker-core";
import type { LimitedJob } from "../src/options.ts";

/** A job as functions of a limiter are told of it: what these tests read of it. */
export function limitedJob(labels: Labels = {}): LimitedJob {
  return { job: { id: "1" }, labels, task: { identifier: "send" } } as LimitedJob;
}
