import { type Duration, isDuration } from "@oppulence/worker-core";
import { z } from "zod";
import type { AnyWorkflow } from "./workflow.ts";

/** What {@link saga} takes. */
export interface SagaOptions {
  /**
   * The workflows whose steps this process runs. Of one that has several definitions, new runs start on the first;
   * the others run what was started on them.
   */
  readonly workflows?: readonly AnyWorkflow[];
  /** Attempts of a step that does not say itself. @defaultValue `5` */
  readonly maxAttempts?: number;
  /** Attempts of a compensation that does not say itself; then the run is parked. @defaultValue `10` */
  readonly compensateMaxAttempts?: number;
  /** Largest input, result and signal, as JSON in bytes. @defaultValue `1_048_576` */
  readonly maxValueBytes?: number;
  /** How often a process looks for timers and for cancelled runs. @defaultValue `"1s"` */
  readonly pollInterval?: Duration;
  /** How often a process looks for steps whose job is gone, and applies the retention. @defaultValue `"15s"` */
  readonly reconcileInterval?: Duration;
  /** How long a step of a cancelled run may go on after its signal aborted. @defaultValue `"5s"` */
  readonly cancelGrace?: Duration;
  /** How long a finished run is kept. @defaultValue `"30d"` */
  readonly retention?: Duration;
  /** Whether jobs can be added that wait for others: `addJob`. @defaultValue `true` */
  readonly gates?: boolean;
  /** Off behind a pgbouncer that lends a connection for a transaction. @defaultValue `true` */
  readonly preparedStatements?: boolean;
  /** How often `workflow_active` is counted, at most; false leaves it out. @defaultValue `"15s"` */
  readonly sampleInterval?: Duration | false;
}

const duration = z.custom<Duration>(
  isDuration,
  'expected a duration: a number of milliseconds, or a string such as "30s"',
);
const workflow = z.custom<AnyWorkflow>(
  (value) => typeof value === "object" && value !== null && "graph" in value && "hash" in value,
  "expected what defineWorkflow returns",
);
const attempts = z.int().min(1).max(32_767);

/** Checks and completes {@link SagaOptions}. */
export const sagaOptions = z.strictObject({
  workflows: z.array(workflow).readonly().default([]),
  maxAttempts: attempts.default(5),
  compensateMaxAttempts: attempts.default(10),
  maxValueBytes: z.int().min(1_024).max(200_000_000).default(1_048_576),
  pollInterval: duration.default("1s"),
  reconcileInterval: duration.default("15s"),
  cancelGrace: duration.default("5s"),
  retention: duration.default("30d"),
  gates: z.boolean().default(true),
  preparedStatements: z.boolean().default(true),
  sampleInterval: z
    .union([duration, z.literal(false)], { error: "expected false, or a duration" })
    .default("15s"),
});

/** {@link SagaOptions}, checked and complete. */
export type ResolvedSagaOptions = z.output<typeof sagaOptions>;
