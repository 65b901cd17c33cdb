import { type Flags, fromFlags, type Job, type Labels } from "@oppulence/worker-core";

/** The labels of a job's row. */
export function labelsOf(job: Job): Labels {
  return fromFlags(job.flags as Flags);
}
