export {
  CrashLoopError,
  isCrashLoopError,
  isPoolLostError,
  PoolLostError,
} from "./errors.ts";
export type { RecoveryOptions, ResolvedRecoveryOptions } from "./options.ts";
export { type RecoveryApi, type RecoveryPlugin, recovery } from "./plugin.ts";
export type { PoolInfo } from "./pools.ts";
export type { SweptPool } from "./sweeper.ts";
