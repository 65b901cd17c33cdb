import { type Order, obey, type Report, report } from "./machine.ts";
import { endProbe, holdsProbe, type ProbeEnd, takeProbe } from "./probes.ts";
import { type CircuitRecord, initialRecord } from "./record.ts";
import type { Settings } from "./settings.ts";
import { type Transition, transitionOf } from "./transition.ts";

/** One thing that a process wants of a circuit. Many of them are done in one change of the store. */
export type Operation =
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "take-probe"; readonly id: string }
  | { readonly kind: "end-probe"; readonly end: ProbeEnd }
  | { readonly kind: "obey"; readonly order: Order }
  /** Jobs of these tasks wait for the circuit, and may be parked or are not any more. */
  | { readonly kind: "park"; readonly tasks: readonly string[]; readonly parked: boolean };

/** What {@link operate} made of a record. */
export interface Outcome {
  readonly record: CircuitRecord;
  readonly transitions: readonly Transition[];
  /** Other processes have to know at once. */
  readonly announce: boolean;
  /** Of each operation: whether a probe was granted; true for all others. */
  readonly granted: readonly boolean[];
}

/**
 * Does operations one after another. Pure: a store may call it again, on a newer record.
 *
 * @param current - undefined where the store has none
 * @param known - what this process remembers: a store that lost its data gets it back
 * @param now - by the store's clock
 */
export function operate(
  dependency: string,
  operations: readonly Operation[],
  settings: Settings,
  {
    current,
    known,
  }: { readonly current: CircuitRecord | undefined; readonly known: CircuitRecord | undefined },
  now: number,
): Outcome {
  const before = current ?? known ?? initialRecord(now);
  let record = before;
  const transitions: Transition[] = [];
  const granted = operations.map((operation) => {
    const next = step(record, operation, settings, now);
    if (next.generation !== record.generation)
      transitions.push(transitionOf(dependency, record, next));
    record = next;
    return operation.kind !== "take-probe" || holdsProbe(next, operation.id);
  });
  const changed = record !== before || current === undefined;
  const version = Math.max(before.version + 1, current === undefined ? Math.floor(now) : 0);
  return {
    record: changed ? { ...record, version } : record,
    transitions,
    announce: transitions.length > 0 || isNews(before, record, settings),
    granted,
  };
}

function step(
  record: CircuitRecord,
  operation: Operation,
  settings: Settings,
  now: number,
): CircuitRecord {
  switch (operation.kind) {
    case "report":
      return report(record, settings, operation.report, now);
    case "take-probe":
      return takeProbe(record, settings, operation.id, now);
    case "end-probe":
      return endProbe(record, settings, operation.end, now);
    case "obey":
      return obey(record, settings, operation.order, now);
    case "park":
      return park(record, operation);
  }
}

function park(
  record: CircuitRecord,
  { tasks, parked }: { readonly tasks: readonly string[]; readonly parked: boolean },
): CircuitRecord {
  const all = [...new Set([...record.tasks, ...tasks])].sort();
  return { ...record, tasks: parked ? all : [], parked };
}

/** What others act on although the state is the same: parked jobs, free probes, a window that is quiet no more. */
function isNews(before: CircuitRecord, after: CircuitRecord, settings: Settings): boolean {
  return (
    before.parked !== after.parked ||
    before.probeAt !== after.probeAt ||
    before.tasks.length !== after.tasks.length ||
    before.probes.length > after.probes.length ||
    (settings.countsSuccesses && after.stirredAt !== null && before.stirredAt !== after.stirredAt)
  );
}
