import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprintOf, normaliseMessage, ownFunction } from "../src/fingerprint.ts";

describe("normaliseMessage", () => {
  it.each([
    ["user 42 not found", "user <n> not found"],
    ["no \"card\" for 'bob' in `t`", "no <quoted> for <quoted> in <quoted>"],
    ["id 0b1d4c4e-1f3a-4a52-9c3f-2f6d0f5a7b11 is gone", "id <uuid> is gone"],
    ["at 0xdeadbeef and 5f4dcc3b5aa765d6", "at <hex> and <hex>"],
    ["took 1,234.5 ms since 2026-03-01T10:00:00", "took <n> ms since <n>T<n>"],
    ["connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <n>"],
    ["defaced  the\n facade", "defaced the facade"],
  ])("%j becomes %j", (message, normal) => {
    expect(normaliseMessage(message)).toBe(normal);
  });

  it("is the same for numbers and ids that differ", () => {
    fc.assert(
      fc.property(fc.nat(), fc.uuid(), fc.nat(), fc.uuid(), (a, u, b, v) => {
        const message = (n: number, id: string) => `job ${n} of ${id}: got ${n} "${n}"`;
        return normaliseMessage(message(a, u)) === normaliseMessage(message(b, v));
      }),
    );
  });

  it("is quick for hostile texts", () => {
    const started = performance.now();
    for (const text of [
      "'".repeat(100_000),
      "0".repeat(100_000),
      "a".repeat(100_000),
      "1:".repeat(50_000),
    ])
      normaliseMessage(text);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("ownFunction", () => {
  const stack = (...frames: string[]) =>
    ["Error: x", ...frames.map((frame) => `    at ${frame}`)].join("\n");

  it.each([
    [["node:internal/x:1:2", "charge (/app/src/pay.ts:10:3)"], "charge"],
    [
      ["x (/app/node_modules/pg/lib/client.js:5:6)", "async Pay.run (/app/src/pay.ts:10:3)"],
      "Pay.run",
    ],
    [["Object.run [as handler] (file:///app/src/pay.ts:10:3)"], "Object.run"],
    [["file:///app/src/pay.ts?v=1:10:3"], "pay.ts"],
    [["new Promise (<anonymous>)", "C:\\app\\src\\pay.ts:1:2"], "pay.ts"],
    [["process.processTicksAndRejections (node:internal/process/task_queues:95:5)"], ""],
  ])("of %j is %j", (frames, name) => {
    expect(ownFunction(stack(...frames))).toBe(name);
  });

  it("is empty without a stack", () => {
    expect(ownFunction(undefined)).toBe("");
  });
});

describe("fingerprintOf", () => {
  const base = {
    task: "t",
    name: "Error",
    message: "user 1",
    stack: "Error\n    at f (/a.ts:1:2)",
  };

  it("is the same for one cause, whatever the line", () => {
    const moved = { ...base, message: "user 2", stack: "Error\n    at f (/a.ts:99:1)" };
    expect(fingerprintOf(moved)).toBe(fingerprintOf(base));
    expect(fingerprintOf(base)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    { task: "other" },
    { name: "TypeError" },
    { message: "no user 1" },
    { stack: "Error\n    at g (/a.ts:1:2)" },
  ])("is another with %j", (change) => {
    expect(fingerprintOf({ ...base, ...change })).not.toBe(fingerprintOf(base));
  });
});
