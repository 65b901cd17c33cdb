export type { RateLimitApi } from "./api.ts";
export type { Acquired, AcquireOptions } from "./calls.ts";
export {
  AcquireTimeoutError,
  InvalidLimitsError,
  isAcquireTimeoutError,
  isInvalidLimitsError,
  isLimitStoreError,
  isRateLimitedError,
  isRateLimitKeyError,
  isRateLimitUnitsError,
  isUnknownLimiterError,
  type LimiterRef,
  LimitStoreError,
  RateLimitedError,
  RateLimitKeyError,
  RateLimitUnitsError,
  UnknownLimiterError,
} from "./errors.ts";
export type { Limits } from "./limits.ts";
export type { ByHand, LimiterDetails, LimiterView, LimitsApi } from "./limits-api.ts";
export type {
  LimitedJob,
  LimiterBehavior,
  LimiterDefinition,
  OnLimit,
  RateLimitedJob,
  RateLimitOptions,
  ResolvedRateLimitOptions,
  ResolvedTenantsOptions,
  TaskLimiter,
  TenantsOptions,
} from "./options.ts";
export { type RateLimitPlugin, rateLimit } from "./plugin.ts";
export type {
  AdmitAnswer,
  AdmitRequest,
  Admitted,
  Bucket,
  BucketState,
  Demand,
  Lease,
  LineEntry,
  Override,
  PlaceInLine,
  PlacesRule,
  RateLimitStore,
  RateRule,
  Refund,
  Started,
  StoreFactory,
  StoreInput,
  Turn,
  Waiting,
} from "./store.ts";
export { TenantRateLimiter } from "./tenants.ts";
