import type { Counter, Labels } from "@oppulence/worker-core";
import { InvalidLimitsError } from "./errors.ts";
import { type Limits, layOver } from "./limits.ts";
import type { LimitedJob, LimiterDefinition, ResolvedTenantsOptions } from "./options.ts";
import { shown } from "./shown.ts";

/** The name of the limiter that tenants are limited by. */
export const TENANTS = "tenants";
/** The label of tenants that have none of their own. */
const OTHER = "other";

/**
 * Quotas by tenant: each has a plan, and what was set for it alone lies over the plan. Bounded by the options,
 * however many tenants there are.
 */
export class TenantRateLimiter {
  /** The limiter {@link TENANTS}; its key is the tenant. */
  readonly definition: LimiterDefinition;
  readonly #options: ResolvedTenantsOptions;
  readonly #exceeded: Counter<"tenant">;
  readonly #labels = new Set<string>();
  /** Plans that tenants with limits of their own have had; each pair is laid once. */
  readonly #laid = new Map<string, Map<string, Limits>>();

  /** @param exceeded - `tenant_quota_exceeded_total` */
  constructor(options: ResolvedTenantsOptions, exceeded: Counter<"tenant">) {
    this.#options = options;
    this.#exceeded = exceeded;
    const {
      key = tenantOfJob,
      plans,
      defaultPlan,
      planOf,
      tenants,
      maxLabels,
      ...behavior
    } = options;
    this.definition = Object.freeze({
      ...withoutUndefined(behavior),
      key: key as NonNullable<LimiterDefinition["key"]>,
      limits: (tenant: string) => this.limitsOf(tenant),
    });
  }

  /**
   * The name of a tenant's plan: what is set for it alone, else what `planOf` says, else the default one.
   *
   * @throws InvalidLimitsError when `planOf` names a plan that is not there
   */
  planOf(tenant: string): string {
    const { plans, defaultPlan, planOf } = this.#options;
    const plan: unknown = this.#own(tenant)?.plan ?? planOf?.(tenant) ?? defaultPlan;
    if (typeof plan === "string" && Object.hasOwn(plans, plan)) return plan;
    const problem = `planOf(${shown(tenant)}) said ${shown(plan)}; plans are ${Object.keys(plans).join(", ")}`;
    throw new InvalidLimitsError(TENANTS, problem);
  }

  /**
   * A tenant's limits, without what was set at run time.
   *
   * @throws InvalidLimitsError as {@link planOf}
   */
  limitsOf(tenant: string): Limits {
    const plan = this.planOf(tenant);
    const base = this.#options.plans[plan] as Limits;
    const own = this.#own(tenant);
    if (own === undefined) return base;
    const byPlan = this.#laid.get(tenant) ?? new Map<string, Limits>();
    this.#laid.set(tenant, byPlan);
    const laid = byPlan.get(plan) ?? layOver(base, own);
    byPlan.set(plan, laid);
    return laid;
  }

  /** Counts a job or call of a tenant that was held back. The first tenants have labels of their own. */
  exceeded(tenant: string): void {
    this.#exceeded.add(1, { tenant: this.#labelOf(tenant) });
  }

  #labelOf(tenant: string): string {
    if (this.#labels.has(tenant)) return tenant;
    if (this.#labels.size >= this.#options.maxLabels) return OTHER;
    this.#labels.add(tenant);
    return tenant;
  }

  #own(tenant: string): ResolvedTenantsOptions["tenants"][string] | undefined {
    const { tenants } = this.#options;
    return Object.hasOwn(tenants, tenant) ? tenants[tenant] : undefined;
  }
}

/** A job's tenant, unless the options say otherwise: the label `tenant`, else the payload's `tenantId`. */
function tenantOfJob(
  payload: unknown,
  { labels }: Pick<LimitedJob, "labels"> & { readonly labels: Labels },
): unknown {
  const label = labels["tenant"];
  if (label !== undefined || typeof payload !== "object" || payload === null) return label;
  return (payload as { tenantId?: unknown }).tenantId;
}

function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
