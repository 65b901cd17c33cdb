import { CRASHES_LABEL, checkLabels, type Labels } from "@oppulence/worker-core";
import { type DeadLetter, ORIGIN_LABEL, REQUEUES_LABEL } from "./dead-letter.ts";

/** Labels that the pipeline takes beside the two of ours; the rest goes along as plain flags. */
const MAX_LABELS = 30;

/**
 * The labels and flags of the job that comes of a dead letter: those that it had, and where it comes from.
 * The count of crashes is left out: it begins at 0 again, as the attempts do.
 *
 * SQL may set flags that no label may be; they are kept as they were.
 */
export function provenanceOf({
  labels,
  flags,
  originId,
  requeueCount,
}: Pick<DeadLetter, "labels" | "flags" | "originId" | "requeueCount">): {
  readonly labels: Labels;
  readonly flags: readonly string[];
} {
  const kept: Record<string, string> = {};
  const plain: string[] = [];
  for (const flag of flags) {
    const name = flag.slice(0, Math.max(0, flag.indexOf("=")));
    if (name === ORIGIN_LABEL || name === REQUEUES_LABEL || name === CRASHES_LABEL) continue;
    const value = labels[name];
    const isLabel =
      value !== undefined &&
      flag === `${name}=${value}` &&
      Object.keys(kept).length < MAX_LABELS &&
      checkLabels({ [name]: value }) === undefined;
    if (isLabel) kept[name] = value;
    else plain.push(flag);
  }
  return {
    labels: { ...kept, [ORIGIN_LABEL]: originId, [REQUEUES_LABEL]: String(requeueCount + 1) },
    flags: plain,
  };
}
