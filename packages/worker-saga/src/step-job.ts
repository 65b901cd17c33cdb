/** What the job of a step has as its payload. */
export interface StepJob {
  /** The run's key. */
  readonly run: string;
  /** The run's id, for whoever looks at the job. */
  readonly id: string;
  /** Of the definition. */
  readonly hash: string;
  /** Of a fan-out. */
  readonly item?: number;
}

/** How the identifiers of all steps' tasks begin. */
export const STEP_TASKS = "saga:";

/** The task of a step. */
export function stepTask(workflow: string, step: string, undo: boolean): string {
  return `${STEP_TASKS}${workflow}/${step}${undo ? "/undo" : ""}`;
}

/** The payload of a step's job; undefined for what is none. */
export function toStepJob(payload: unknown): StepJob | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { run, id, hash, item } = payload as Record<string, unknown>;
  const isRun = typeof run === "string" && /^\d{1,18}$/.test(run);
  if (!isRun || typeof id !== "string" || typeof hash !== "string") return undefined;
  if (item !== undefined && !Number.isInteger(item)) return undefined;
  return payload as StepJob;
}
