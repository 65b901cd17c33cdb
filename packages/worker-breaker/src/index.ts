export type { BreakerApi, ByHand } from "./api.ts";
export {
  BreakerBusyError,
  BreakerStoreError,
  type CircuitOpenDetails,
  CircuitOpenError,
  isBreakerBusyError,
  isBreakerStoreError,
  isCircuitOpenError,
  isUnknownDependencyError,
  UnknownDependencyError,
} from "./errors.ts";
export type {
  CircuitBreakerJob,
  CircuitBreakerOptions,
  DependencyOptions,
  FailureRate,
  IsFailure,
  RampOptions,
  ResetBackoff,
  ResolvedCircuitBreakerOptions,
  TransitionListener,
  WindowOptions,
} from "./options.ts";
export { type CircuitBreakerPlugin, circuitBreaker } from "./plugin.ts";
export {
  CIRCUIT_STATES,
  type CircuitRecord,
  type CircuitState,
  type ProbeLease,
} from "./record.ts";
export type { GuardedContext, RunOptions } from "./run.ts";
export type {
  Apply,
  BreakerStore,
  Change,
  Changed,
  Leadership,
  Snapshot,
  StoreFactory,
  StoreInput,
  StoreListener,
} from "./store.ts";
export type { Transition } from "./transition.ts";
export type { CircuitView } from "./view.ts";
export type { Bucket, Tally, Window } from "./window.ts";
