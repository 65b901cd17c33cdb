import { didYouMean } from "@oppulence/worker-core";
import { LIMIT_NAMES, type Limits, layOver, problemOf } from "./limits.ts";

/** What {@link problemsOfDefinition} looks at: a definition whose values are right one by one. */
interface Definition extends Limits {
  readonly limits?: unknown;
  readonly onLimit?: "defer" | "drop" | "fail" | undefined;
  readonly maxWait?: unknown;
}

/** What {@link problemsOfTenants} looks at. */
interface Tenants {
  readonly plans: Readonly<Record<string, Limits>>;
  readonly defaultPlan: string;
  readonly tenants: Readonly<Record<string, Limits & { readonly plan?: string | undefined }>>;
  readonly onLimit?: "defer" | "drop" | "fail" | undefined;
  readonly maxWait?: unknown;
}

/**
 * What is wrong with limits that are to lie over others.
 *
 * @returns a sentence, or undefined when nothing is
 */
export function problemOfPart(part: Limits): string | undefined {
  if (LIMIT_NAMES.every((name) => part[name] === undefined))
    return `nothing is set; expected one of ${LIMIT_NAMES.join(", ")}`;
  if ((part.limit === undefined) !== (part.period === undefined)) return problemOf(part);
  const { burstSize, ...others } = part;
  // Any limits below: only what is given here is looked at.
  return problemOf(layOver({ maxConcurrent: 1 }, others)) ?? problemOfBurst(others, burstSize);
}

function problemOfBurst(others: Limits, burstSize: number | undefined): string | undefined {
  return burstSize === undefined
    ? undefined
    : problemOf(layOver({ maxPerSecond: 1, burstSize }, others));
}

/** What contradicts itself in a limiter's definition, one sentence each. */
export function problemsOfDefinition(definition: Definition): string[] {
  const problems: string[] = [];
  const given = LIMIT_NAMES.filter((name) => definition[name] !== undefined);
  if (definition.limits === undefined) {
    const problem = problemOf(definition);
    if (problem !== undefined) problems.push(problem);
  } else if (given.length > 0) {
    problems.push(`limits(key) is in place of ${given.join(", ")}; give one or the other`);
  }
  return [...problems, ...problemsOfWait(definition)];
}

/** What contradicts itself in tenants, with where it does. */
export function problemsOfTenants(
  options: Tenants,
): { readonly path: string[]; readonly message: string }[] {
  const { plans, defaultPlan, tenants } = options;
  const problems = problemsOfWait(options).map((message) => ({
    path: ["maxWait"],
    message,
  }));
  const names = Object.keys(plans);
  const unknown = (plan: string) =>
    `no plan has the name ${JSON.stringify(plan)}${didYouMean(plan, names)}`;
  if (!Object.hasOwn(plans, defaultPlan))
    problems.push({ path: ["defaultPlan"], message: unknown(defaultPlan) });
  for (const [tenant, { plan = defaultPlan, ...own }] of Object.entries(tenants)) {
    const base = Object.hasOwn(plans, plan) ? plans[plan] : undefined;
    if (base === undefined) {
      if (plan !== defaultPlan)
        problems.push({ path: ["tenants", tenant, "plan"], message: unknown(plan) });
      continue;
    }
    const isHalf = (own.limit === undefined) !== (own.period === undefined);
    const message = problemOf(isHalf ? own : layOver(base, own));
    if (message !== undefined) problems.push({ path: ["tenants", tenant], message });
  }
  return problems;
}

function problemsOfWait({ onLimit, maxWait }: Pick<Definition, "onLimit" | "maxWait">): string[] {
  if (maxWait === undefined || onLimit === undefined || onLimit === "defer") return [];
  return [`maxWait is of jobs that wait, and with onLimit ${JSON.stringify(onLimit)} none does`];
}
