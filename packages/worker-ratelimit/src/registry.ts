import { InvalidOptionsError, type TaskInfo } from "@oppulence/worker-core";
import { conflictsOf, wrongNames } from "./conflicts.ts";
import { type NamedDefinition, ownDefinitions } from "./definitions.ts";
import type { RateLimitMetrics } from "./metrics.ts";
import type { LimiterDefinition, ResolvedRateLimitOptions } from "./options.ts";
import { TENANTS, TenantRateLimiter } from "./tenants.ts";

/** Every limiter of a configuration. */
export class Registry {
  readonly #tasks: ReadonlyMap<string, TaskInfo>;
  readonly #metrics: Pick<RateLimitMetrics, "quotaExceeded">;
  #named: readonly NamedDefinition[] = [];
  #definitions: ReadonlyMap<string, LimiterDefinition> | undefined;
  #tenants: TenantRateLimiter | undefined;
  #version = 0;

  /** @param tasks - complete once somebody asks for a definition */
  constructor(
    options: ResolvedRateLimitOptions,
    tasks: ReadonlyMap<string, TaskInfo>,
    metrics: Pick<RateLimitMetrics, "quotaExceeded">,
  ) {
    this.#tasks = tasks;
    this.#metrics = metrics;
    this.replace(options);
  }

  /** Goes up with every change: what was made of definitions is stale then. */
  get version(): number {
    return this.#version;
  }

  get tenants(): TenantRateLimiter | undefined {
    return this.#tenants;
  }

  /** By name. */
  get definitions(): ReadonlyMap<string, LimiterDefinition> {
    this.#definitions ??= new Map(this.#all().map(({ name, definition }) => [name, definition]));
    return this.#definitions;
  }

  /** Takes other options. What is wrong with them is for {@link problems} to say. */
  replace(options: ResolvedRateLimitOptions): void {
    const { limiters, tenants } = options;
    this.#tenants = tenants && new TenantRateLimiter(tenants, this.#metrics.quotaExceeded);
    this.#named = namedOf(limiters, this.#tenants);
    this.#definitions = undefined;
    this.#version += 1;
  }

  /** What is wrong with the configuration, one sentence each. */
  problems(): string[] {
    const all = this.#all();
    return [
      ...conflictsOf(all),
      ...wrongNames(new Set(all.map(({ name }) => name)), this.#tasks.values()),
    ];
  }

  #all(): NamedDefinition[] {
    return [...this.#named, ...ownDefinitions(this.#tasks.values())];
  }
}

function namedOf(
  limiters: Readonly<Record<string, LimiterDefinition>>,
  tenants: TenantRateLimiter | undefined,
): NamedDefinition[] {
  const named = Object.entries(limiters).map(([name, definition]) => ({
    name,
    definition,
    where: `limiters.${name}`,
  }));
  if (tenants === undefined) return named;
  if (Object.hasOwn(limiters, TENANTS))
    throw new InvalidOptionsError("plugin rateLimit", [
      { path: `limiters.${TENANTS}`, message: "is the name of the limiter of the option tenants" },
    ]);
  return [...named, { name: TENANTS, definition: tenants.definition, where: "tenants" }];
}
