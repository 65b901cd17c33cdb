import {
  type Clock,
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
  messageOf,
} from "@oppulence/worker-core";
import { limiterOf } from "./limits.ts";
import type { BucketState } from "./store.ts";

/** What the plugin measures. */
export interface RateLimitMetrics {
  /** A job that was turned away; one that waits counts once a time it was fetched too early. */
  readonly throttled: Counter<"task" | "limiter">;
  /** What limiters in a dry run would have done: `defer`, `drop`, `fail`. */
  readonly dryRuns: Counter<"task" | "limiter" | "decision">;
  /** From when it was turned away to when it started, of jobs and callers that waited. */
  readonly wait: Histogram<"limiter">;
  readonly quotaExceeded: Counter<"tenant">;
  /** What failed without failing a job: `store`, `turns`, `overrides`, `sample`, `limits`. */
  readonly errors: Counter<"what">;
}

/** Makes the instruments. */
export function createMetrics(meter: Meter): RateLimitMetrics {
  return {
    throttled: meter.counter({
      name: "job_throttled_total",
      help: "Jobs that were over the limit: deferred, dropped or failed by it",
      labels: ["task", "limiter"],
    }),
    dryRuns: meter.counter({
      name: "rate_limit_dry_run_total",
      help: "Jobs that ran, and would not have if their limiter were enforced",
      labels: ["task", "limiter", "decision"],
    }),
    wait: meter.histogram({
      name: "rate_limit_wait_seconds",
      help: "How long jobs and callers waited for their turn",
      labels: ["limiter"],
      buckets: [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400],
    }),
    quotaExceeded: meter.counter({
      name: "tenant_quota_exceeded_total",
      help: "Jobs and calls of a tenant that were over its quota; tenants beyond maxLabels are `other`",
      labels: ["tenant"],
    }),
    errors: meter.counter({
      name: "rate_limit_errors_total",
      help: "What failed without failing a job",
      labels: ["what"],
    }),
  };
}

/** What {@link showBuckets} needs. */
export interface BucketsInput {
  readonly meter: Meter;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The fullest buckets; those with a line first. */
  readonly read: () => Promise<readonly BucketState[]>;
  readonly onError: (message: string, error: unknown) => void;
}

/** One limiter, its buckets together. */
interface Sample {
  readonly limiter: string;
  readonly backlog: number;
  readonly utilization: number;
}

/**
 * Shows lines and use, sampled when they are read and the last sample is too old. A limiter with keys shows all its
 * lines together, and its fullest key: keys are not labels, as there may be a million of them.
 */
export function showBuckets({ meter, clock, intervalMs, read, onError }: BucketsInput): void {
  let sampledAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<readonly Sample[]> | undefined;
  let last: readonly Sample[] = [];

  const take = async () => {
    try {
      last = samplesOf(await read());
    } catch (error) {
      // Old values would look like a line that nobody joins or leaves.
      last = [];
      onError(`could not read how full limiters are: ${messageOf(error)}`, error);
    }
    pending = undefined;
    return last;
  };
  const samples = () => {
    if (pending !== undefined) return pending;
    const now = clock.now();
    if (now - sampledAt < intervalMs) return last;
    sampledAt = now;
    pending = take();
    return pending;
  };
  const show = (pick: (sample: Sample) => number) => async (gauge: Gauge<"limiter">) => {
    const rows = await samples();
    gauge.reset();
    for (const row of rows) gauge.set(pick(row), { limiter: row.limiter });
  };

  meter.gauge({
    name: "rate_limit_backlog_size",
    help: "Jobs and callers in the limiter's lines",
    labels: ["limiter"],
    collect: show(({ backlog }) => backlog),
  });
  meter.gauge({
    name: "rate_limit_utilization_ratio",
    help: "Share of the burst or of the places that is in use, of the limiter's fullest key",
    labels: ["limiter"],
    collect: show(({ utilization }) => utilization),
  });
}

/** Buckets of each limiter together. */
function samplesOf(states: readonly BucketState[]): Sample[] {
  const samples = new Map<string, Sample>();
  for (const state of states) {
    const limiter = limiterOf(state);
    const { backlog = 0, utilization = 0 } = samples.get(limiter) ?? {};
    samples.set(limiter, {
      limiter,
      backlog: backlog + state.waiting,
      utilization: Math.max(utilization, state.utilization),
    });
  }
  return [...samples.values()];
}
