import { Call, type CallInput } from "./call.ts";
import type { Circuit } from "./circuit.ts";
import { describeBlock } from "./describe.ts";
import { freeProbes } from "./probes.ts";
import type { CircuitRecord } from "./record.ts";

/** Why a call is not made. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: "CIRCUIT_OPEN" | "TOO_MANY_UNDER_WAY" | "STORE_UNREACHABLE";
  /** One sentence, for people. */
  readonly message: string;
  /** When it is worth asking again; the least where nobody knows. */
  readonly retryAfterMs: number;
}

/** A call that may be made, or why not; undefined for one that is not guarded at all. */
export type Admission = Call | Refusal | undefined;

const BUSY_FROM_MS = 50;
const BUSY_SPREAD_MS = 200;
const AWAY_FROM_MS = 1_000;
const AWAY_SPREAD_MS = 4_000;
/** A probe may come free at any moment, or the circuit close. */
const HALF_OPEN_MS = 500;

/**
 * Decides about a call. No promise, and no question to the store, while the circuit is closed and healthy, or open
 * and not to be probed yet.
 *
 * @param always - the call is made whatever the state
 */
export function admit(
  circuit: Circuit,
  input: CallInput,
  always: boolean,
): Admission | Promise<Admission> {
  const { record, settings } = circuit;
  if (!settings.enabled || record?.state === "forced-closed") return undefined;
  if (record === undefined)
    return always || settings.onError === "open" ? undefined : away(circuit);
  if (always) return new Call(circuit, input);
  if (record.state === "closed" && circuit.isSuspect)
    return circuit.settled().then(() => admitNow(circuit, input));
  return isPassing(record) ? start(circuit, input) : askForProbe(circuit, record, input);
}

function isPassing({ state }: CircuitRecord): boolean {
  return state === "closed" || state === "metrics-only" || state === "forced-closed";
}

/** The same, once the store has been asked: by what is known now. */
function admitNow(circuit: Circuit, input: CallInput): Admission {
  const { record } = circuit;
  if (record === undefined || record.state === "forced-closed") return undefined;
  return isPassing(record) ? start(circuit, input) : refuse(circuit, record);
}

function start(circuit: Circuit, input: CallInput): Admission {
  if (circuit.underWay < circuit.room) return new Call(circuit, input);
  return {
    kind: "refused",
    code: "TOO_MANY_UNDER_WAY",
    message: `${circuit.underWay} calls of dependency ${JSON.stringify(circuit.name)} are under way in this process`,
    retryAfterMs: BUSY_FROM_MS + Math.random() * BUSY_SPREAD_MS,
  };
}

function askForProbe(
  circuit: Circuit,
  record: CircuitRecord,
  input: CallInput,
): Admission | Promise<Admission> {
  if (freeProbes(record, circuit.settings, circuit.now()) === 0) return refuse(circuit, record);
  return circuit.takeProbe().then(
    (probe) => (probe === undefined ? admitNow(circuit, input) : new Call(circuit, input, probe)),
    // What was known last holds while the store is away.
    () => ({ ...refuse(circuit, record), retryAfterMs: AWAY_FROM_MS }),
  );
}

function refuse(circuit: Circuit, record: CircuitRecord): Refusal {
  const wait = record.probeAt === null ? HALF_OPEN_MS : record.probeAt - circuit.now();
  return {
    kind: "refused",
    code: "CIRCUIT_OPEN",
    message: describeBlock(circuit.name, record),
    retryAfterMs: record.state === "forced-open" ? Number.POSITIVE_INFINITY : Math.max(0, wait),
  };
}

function away({ name }: Circuit): Refusal {
  return {
    kind: "refused",
    code: "STORE_UNREACHABLE",
    message: `the state of dependency ${JSON.stringify(name)} is not known: its store cannot be reached`,
    retryAfterMs: AWAY_FROM_MS + Math.random() * AWAY_SPREAD_MS,
  };
}
