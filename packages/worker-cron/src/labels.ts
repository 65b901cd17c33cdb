import type { Labels } from "@oppulence/worker-core";

/** Labels of a slot's job begin so. */
export const LABEL_PREFIX = "cron.";
const KEY = "cron.key";
const SLOT = "cron.slot";
const PREVIOUS = "cron.previous";
const CORRELATION = "cron.correlation";

/** What a job carries of its slot. Instants are milliseconds since the epoch. */
export interface SlotLabels {
  readonly key: string;
  readonly slot: number;
  readonly previous: number | undefined;
  readonly correlationId: string;
}

/** A slot as labels. */
export function toSlotLabels({ key, slot, previous, correlationId }: SlotLabels): Labels {
  return {
    [KEY]: key,
    [SLOT]: String(slot),
    ...(previous === undefined ? {} : { [PREVIOUS]: String(previous) }),
    [CORRELATION]: correlationId,
  };
}

/** The slot of a job; undefined for a job that no schedule added. */
export function fromSlotLabels(labels: Labels): SlotLabels | undefined {
  const key = labels[KEY];
  const slot = toInstant(labels[SLOT]);
  if (key === undefined || slot === undefined) return undefined;
  const correlationId = labels[CORRELATION] ?? "";
  return { key, slot, previous: toInstant(labels[PREVIOUS]), correlationId };
}

/** A producer may write what it likes. */
function toInstant(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
