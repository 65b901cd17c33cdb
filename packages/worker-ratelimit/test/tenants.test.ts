import { validateOptions } from "@oppulence/worker-core";
import { recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { definedLimits } from "../src/definitions.ts";
import { keyOf } from "../src/key.ts";
import { describeLimits } from "../src/limits.ts";
import { createMetrics } from "../src/metrics.ts";
import { rateLimitOptions, type TenantsOptions } from "../src/options.ts";
import { TENANTS, TenantRateLimiter } from "../src/tenants.ts";
import { limitedJob } from "./limited-job.ts";
import { meterOf } from "./meter-of.ts";

const plans = { free: { maxPerMinute: 60 }, pro: { maxPerSecond: 50, maxConcurrent: 10 } };

function make(more: Partial<TenantsOptions> = {}) {
  const given = { tenants: { plans, defaultPlan: "free", ...more } };
  const { tenants: options } = validateOptions(rateLimitOptions, given, "plugin rateLimit");
  if (options === undefined) throw new Error("no tenants");
  const recorded = recordingMeter();
  const { quotaExceeded } = createMetrics(meterOf(recorded));
  const tenants = new TenantRateLimiter(options, quotaExceeded);
  return {
    tenants,
    recorded,
    limits: (tenant: string) => describeLimits(tenants.limitsOf(tenant)),
  };
}

describe("TenantRateLimiter", () => {
  it("gives a tenant its own plan, else planOf's, else the default one", () => {
    const { tenants, limits } = make({
      tenants: { acme: { plan: "pro" } },
      planOf: (tenant) => (tenant.startsWith("big-") ? "pro" : undefined),
    });
    expect(["acme", "big-co", "small"].map((each) => tenants.planOf(each))).toEqual([
      "pro",
      "pro",
      "free",
    ]);
    expect(limits("small")).toBe("60 a minute");
    expect(limits("acme")).toBe("50 a second, 10 at once");
  });

  it("lays a tenant's own limits over its plan's, whatever that is now", () => {
    let plan = "pro";
    const { limits } = make({ tenants: { acme: { maxConcurrent: 2 } }, planOf: () => plan });
    expect(limits("acme")).toBe("50 a second, 2 at once");
    plan = "free";
    expect(limits("acme")).toBe("60 a minute, 2 at once");
  });

  it("gives the same object for the same limits", () => {
    const { tenants } = make({ tenants: { acme: { maxConcurrent: 2 } } });
    expect(tenants.limitsOf("acme")).toBe(tenants.limitsOf("acme"));
    expect(tenants.limitsOf("a")).toBe(tenants.limitsOf("b"));
  });

  it("says which plan is not there", () => {
    const { tenants } = make({ planOf: () => "toString" });
    const message = 'limiter "tenants": planOf("acme") said "toString"; plans are free, pro';
    expect(() => tenants.planOf("acme")).toThrow(message);
    expect(() => definedLimits(TENANTS, tenants.definition, "acme")).toThrow(
      expect.objectContaining({ code: "INVALID_LIMITS", message }),
    );
  });

  it("is not fooled by tenants named like what every object has", () => {
    const { limits } = make();
    expect(limits("constructor")).toBe("60 a minute");
    expect(limits("__proto__")).toBe("60 a minute");
  });

  it("knows a job's tenant by its label, then by its payload", () => {
    const { definition } = make().tenants;
    const key = (payload: unknown, labels = {}) =>
      keyOf(TENANTS, definition, payload, limitedJob(labels));
    expect(key({ tenantId: "a" }, { tenant: "b" })).toBe("b");
    expect(key({ tenantId: "a" })).toBe("a");
    expect(() => key({})).toThrow("got undefined as a key");
    expect(() => key(null)).toThrow("got undefined as a key");
  });

  it("asks the key function of the options instead", () => {
    const { definition } = make({ key: (payload) => payload.org }).tenants;
    expect(keyOf(TENANTS, definition, { org: 7 }, limitedJob({ tenant: "b" }))).toBe("7");
  });

  it("is a limiter that behaves as the options say", () => {
    const { definition } = make({ onLimit: "drop", mode: "dryRun", onError: "open" }).tenants;
    expect(definition).toMatchObject({ onLimit: "drop", mode: "dryRun", onError: "open" });
    expect(Object.keys(definition).sort()).toEqual(["key", "limits", "mode", "onError", "onLimit"]);
  });

  it("has so many labels and no more, however many tenants are over their quota", () => {
    const { tenants, recorded } = make({ maxLabels: 2 });
    for (let round = 0; round < 2; round += 1)
      for (let number = 0; number < 1_000; number += 1) tenants.exceeded(`t${number}`);
    const value = (tenant: string) =>
      recorded.value(`tenant_quota_exceeded_total{tenant=${tenant}}`);
    expect(["t0", "t1", "t2", "other"].map(value)).toEqual([2, 2, undefined, 1_996]);
  });
});
