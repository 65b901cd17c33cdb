/** What a statement moved; see `saga_move` in the migrations. */
export interface Move {
  readonly what: "job" | "step" | "run" | "timer" | "verdict" | "taken";
  /** The run's key; of a `taken`, the job's id. */
  readonly run: string;
  /** The run's id. */
  readonly id: string;
  readonly definition: number;
  readonly step: number;
  readonly item: number;
  readonly state: string;
  readonly was: string | null;
  readonly spec: RunSpec | null;
  readonly seconds: number | null;
}

/** How a run's jobs are queued. */
interface RunSpec {
  readonly labels?: Readonly<Record<string, string>>;
  readonly priority?: number;
}

/** States of a run. */
export const RUN_STATES = [
  "pending",
  "running",
  "succeeded",
  "failed",
  "compensating",
  "compensated",
  "compensation_failed",
  "cancelled",
] as const;

/** Where a run stands. */
export type RunState = (typeof RUN_STATES)[number];

/** Where a step of a run stands. */
export type StepState =
  | "pending"
  | "queued"
  | "running"
  | "retrying"
  | "waiting"
  | "succeeded"
  | "skipped"
  | "failed"
  | "cancelled"
  | "undo_pending"
  | "undo_queued"
  | "undo_running"
  | "undo_retrying"
  | "undo_waiting"
  | "compensated"
  | "compensation_failed"
  | "compensation_skipped";

/** What came of an attempt, as it is recorded. */
export type Outcome =
  | "succeeded"
  | "skipped"
  | "waiting"
  | "retry"
  | "failed"
  | "timed_out"
  | "lost"
  | "cancelled";

/** An outcome to record. */
export interface Settlement {
  readonly job: string | null;
  readonly run: string;
  readonly step: number;
  readonly item: number;
  /** The attempt's token; −1 for whichever is the last. */
  readonly attempt: number;
  readonly outcome: Outcome;
  /** JSON: the result, the error, or what is waited for. */
  readonly value: string | null;
  readonly unknown: boolean;
}
