import { hasCode } from "@oppulence/worker-core";

/** What a {@link CircuitOpenError} tells. */
export interface CircuitOpenDetails {
  readonly dependency: string;
  /** Since when calls do not pass, by the store's clock; undefined when the store was never reached. */
  readonly since: Date | undefined;
  /** When the dependency is probed next, by the store's clock; undefined while it is forced open. */
  readonly nextProbe: Date | undefined;
}

/** A call was not made: the dependency's circuit is open. Thrown by `run`; jobs are deferred instead. */
export class CircuitOpenError extends Error implements CircuitOpenDetails {
  readonly code = "CIRCUIT_OPEN";
  override readonly name = "CircuitOpenError";
  readonly dependency: string;
  readonly since: Date | undefined;
  readonly nextProbe: Date | undefined;

  constructor(message: string, { dependency, since, nextProbe }: CircuitOpenDetails) {
    super(message);
    this.dependency = dependency;
    this.since = since;
    this.nextProbe = nextProbe;
  }
}

/** Whether an error is a {@link CircuitOpenError}, of whichever copy of the package. */
export function isCircuitOpenError(error: unknown): error is CircuitOpenError {
  return hasCode(error, "CIRCUIT_OPEN");
}

/** A call was not made: as many as `maxUnderWay` allows are under way in this process. Thrown by `run`. */
export class BreakerBusyError extends Error {
  readonly code = "BREAKER_BUSY";
  override readonly name = "BreakerBusyError";
  readonly dependency: string;
  /** Calls under way. */
  readonly underWay: number;

  constructor(message: string, dependency: string, underWay: number) {
    super(message);
    this.dependency = dependency;
    this.underWay = underWay;
  }
}

/** Whether an error is a {@link BreakerBusyError}, of whichever copy of the package. */
export function isBreakerBusyError(error: unknown): error is BreakerBusyError {
  return hasCode(error, "BREAKER_BUSY");
}

/** No dependency has the name. */
export class UnknownDependencyError extends Error {
  readonly code = "UNKNOWN_DEPENDENCY";
  override readonly name = "UnknownDependencyError";
  readonly dependency: string;

  constructor(dependency: string, hint: string) {
    super(`no dependency has the name ${JSON.stringify(dependency)}${hint}`);
    this.dependency = dependency;
  }
}

/** Whether an error is an {@link UnknownDependencyError}, of whichever copy of the package. */
export function isUnknownDependencyError(error: unknown): error is UnknownDependencyError {
  return hasCode(error, "UNKNOWN_DEPENDENCY");
}

/** The store gave no answer in time. Thrown by what operators call; jobs and `run` go by the last known state. */
export class BreakerStoreError extends Error {
  readonly code = "BREAKER_STORE_UNREACHABLE";
  override readonly name = "BreakerStoreError";
}

/** Whether an error is a {@link BreakerStoreError}, of whichever copy of the package. */
export function isBreakerStoreError(error: unknown): error is BreakerStoreError {
  return hasCode(error, "BREAKER_STORE_UNREACHABLE");
}
