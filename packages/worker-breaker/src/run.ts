import { AsyncLocalStorage } from "node:async_hooks";
import { type Admission, admit } from "./admission.ts";
import { Call, type CallInput } from "./call.ts";
import type { Circuit } from "./circuit.ts";
import { BreakerBusyError, CircuitOpenError } from "./errors.ts";

/** What a guarded function is given. */
export interface GuardedContext {
  /** The signal that `run` was given; one that never aborts without one. */
  readonly signal: AbortSignal;
}

/** How to guard a call. */
export interface RunOptions {
  /** A call that throws once this has aborted says nothing about the dependency. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls that are under way around this point of the program: one within another of the same dependency is part of it. */
const calls = new AsyncLocalStorage<readonly Call[]>();

/** Whether this process has ever guarded a call by `run`: only then can one be within a job's. */
let isGuarding = false;

/** Whether a job's call has to be known around its task. A process that only runs jobs is spared the cost. */
export function isToBeKnown(call: Call): boolean {
  return isGuarding || call.isProbe;
}

/** Runs something inside a call. */
export function inside<T>(call: Call, body: () => T): T {
  const outer = calls.getStore();
  return calls.run(outer === undefined ? [call] : [...outer, call], body);
}

function isInside(circuit: Circuit): boolean {
  const outer = calls.getStore();
  return outer?.some((call) => call.circuit === circuit && call.isActive) ?? false;
}

/**
 * Makes a call under a circuit.
 *
 * @param onRejected - the circuit is open: the call is not made
 * @throws CircuitOpenError, BreakerBusyError: it was not made; what it throws itself
 */
export async function runGuarded<T>(
  circuit: Circuit,
  body: (context: GuardedContext) => T | Promise<T>,
  { signal = new AbortController().signal }: RunOptions,
  input: CallInput & { readonly onRejected: (dependency: string) => void },
): Promise<T> {
  isGuarding = true;
  signal.throwIfAborted();
  if (isInside(circuit)) return body({ signal });
  const admission: Admission = await admit(circuit, input, false);
  if (admission === undefined) return body({ signal });
  if (!(admission instanceof Call)) {
    if (admission.code !== "TOO_MANY_UNDER_WAY") input.onRejected(circuit.name);
    throw errorOf(circuit, admission);
  }
  try {
    signal.throwIfAborted();
    const result = await inside(admission, () => body({ signal }));
    await admission.settle({ threw: false, result });
    return result;
  } catch (error) {
    // Cut short by the caller, or not made at all: no fault of the dependency.
    if (signal.aborted) await admission.rollback();
    else await admission.settle({ threw: true, error });
    throw error;
  }
}

function errorOf(circuit: Circuit, { code, message }: Exclude<Admission, Call | undefined>): Error {
  const { name, record, underWay } = circuit;
  if (code === "TOO_MANY_UNDER_WAY") return new BreakerBusyError(message, name, underWay);
  const instant = (ms: number | null | undefined) =>
    ms === null || ms === undefined ? undefined : new Date(ms);
  const details = { since: instant(record?.since), nextProbe: instant(record?.probeAt) };
  return new CircuitOpenError(message, { dependency: name, ...details });
}
