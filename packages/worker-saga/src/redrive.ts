import type { StepState } from "./moves.ts";
import type { StoredDefinition, StoredStep } from "./postgres-definitions.ts";
import type { StepRow } from "./postgres-read.ts";

/**
 * What of a run is run once more: everything; what has not succeeded, or was undone; or that and everything that
 * depends on it.
 */
export type RedriveMode = "all" | "failed" | "failedAndDownstream";

/** What a redrive does about a step. */
export interface PlannedStep {
  readonly step: string;
  readonly action: "keep" | "run" | "drop";
  /** In a sentence. */
  readonly why: string;
  /** Where it stands now; undefined for one that the run did not have. */
  readonly state: StepState | undefined;
}

/** A redrive, as it is shown and as it is done. */
export interface RedrivePlan {
  readonly steps: readonly PlannedStep[];
  /** By the target's numbers: the step of the run that is kept. */
  readonly kept: readonly (number | null)[];
}

const KEPT = new Set<StepState>(["succeeded", "skipped"]);

/** Plans a redrive of a run's rows on a definition, its own or a newer one. */
export function planRedrive(
  mode: RedriveMode,
  own: StoredDefinition,
  rows: readonly StepRow[],
  target: StoredDefinition,
): RedrivePlan {
  const old = new Map(own.steps.map((step) => [step.id, step]));
  const stateOf = (id: string) => {
    const step = old.get(id);
    return step === undefined ? undefined : rows.find((row) => row.step === step.step)?.state;
  };
  const reruns = new Map<string, string>();
  for (const step of target.steps) {
    const why = reasonToRun(mode, step, old.get(step.id), stateOf(step.id));
    if (why !== undefined) reruns.set(step.id, why);
  }
  if (mode === "failedAndDownstream") {
    for (const step of target.steps) {
      if (!reruns.has(step.id)) continue;
      for (const later of step.later) {
        const { id } = target.steps[later] as StoredStep;
        if (!reruns.has(id)) reruns.set(id, `it depends on ${step.id}, which runs`);
      }
    }
  }
  const steps = target.steps.map(({ id }): PlannedStep => {
    const why = reruns.get(id);
    const state = stateOf(id);
    if (why === undefined) return { step: id, action: "keep", why: `it is ${state}`, state };
    return { step: id, action: "run", why, state };
  });
  const ids = new Set(target.steps.map(({ id }) => id));
  const dropped = own.steps
    .filter(({ id }) => !ids.has(id))
    .map(({ id }): PlannedStep => {
      const why = "the definition does not have it any more; it will not be compensated";
      return { step: id, action: "drop", why, state: stateOf(id) };
    });
  return {
    steps: [...steps, ...dropped],
    kept: target.steps.map(({ id }) => (reruns.has(id) ? null : (old.get(id)?.step ?? null))),
  };
}

function reasonToRun(
  mode: RedriveMode,
  step: StoredStep,
  before: StoredStep | undefined,
  state: StepState | undefined,
): string | undefined {
  if (before === undefined || state === undefined) return "it is new";
  if (mode === "all") return "everything runs";
  if (before.kind !== step.kind) return `it is a ${step.kind} now`;
  if (KEPT.has(state)) return undefined;
  if (state === "pending" || state === "cancelled") return "it did not run to its end";
  return state === "failed" ? "it failed" : `it is ${state}`;
}
