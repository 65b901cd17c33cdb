import type { TaskInfo } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import type { DlqTaskOption } from "../src/index.ts";
import { createPolicies } from "../src/policies.ts";

const tasks = (options: Record<string, DlqTaskOption | undefined>) =>
  new Map(
    Object.entries(options).map(([identifier, dlq]): [string, TaskInfo] => [
      identifier,
      {
        identifier,
        payload: undefined,
        spec: undefined,
        options: dlq === undefined ? {} : { dlq },
      },
    ]),
  );

describe("policies", () => {
  it("lay a task's fields over the plugin's, one by one", () => {
    const policies = createPolicies(
      { maxRetries: 5, retention: { ttl: "1d", cap: 10 }, redact: ["payload.a"] },
      tasks({ own: { retention: { cap: 3 }, maxRetries: 0 }, none: undefined }),
      true,
    );
    expect(policies.of("own")).toMatchObject({
      enabled: true,
      maxRetries: 0,
      ttlMs: 86_400_000,
      cap: 3,
      redact: ["payload.a"],
    });
    expect(policies.of("none")).toBe(policies.fallback);
    expect(policies.of("unknown")).toBe(policies.fallback);
  });

  it.each([
    [
      true,
      { off: false, on: true, own: {} },
      { off: false, on: true, own: true, none: true, "?": true },
    ],
    [
      false,
      { off: false, on: true, own: {} },
      { off: false, on: true, own: true, none: false, "?": false },
    ],
  ] as const)("with enabled: %j move the jobs of", (enabled, options, moved) => {
    const policies = createPolicies({ enabled }, tasks({ ...options, none: undefined }), true);
    for (const [task, moves] of Object.entries(moved)) expect(policies.moves(task)).toBe(moves);
  });

  it("leave jobs of unknown tasks alone where that is asked for", () => {
    const policies = createPolicies({}, tasks({ known: undefined }), false);
    expect([policies.moves("known"), policies.moves("?")]).toEqual([true, false]);
  });
});
