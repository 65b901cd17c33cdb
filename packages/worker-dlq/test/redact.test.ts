import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact } from "../src/redact.ts";

describe("redact", () => {
  const payload = {
    card: { number: "4242", name: "Ada" },
    items: [{ token: 1 }, { token: 2 }, {}],
  };

  it("replaces values, says where, and leaves the payload as it was", () => {
    const before = structuredClone(payload);
    expect(redact(payload, ["payload.card.number", "payload.items.*.token"])).toEqual({
      payload: {
        card: { number: "[redacted]", name: "Ada" },
        items: [{ token: "[redacted]" }, { token: "[redacted]" }, {}],
      },
      paths: ["payload.card.number", "payload.items.0.token", "payload.items.1.token"],
    });
    expect(payload).toEqual(before);
  });

  it.each([
    [["payload.nothing.here"], payload, []],
    [["payload"], "[redacted]", ["payload"]],
    [["payload.card", "payload.card.number"], { ...payload, card: "[redacted]" }, ["payload.card"]],
    [
      ["payload.items.1"],
      { ...payload, items: [{ token: 1 }, "[redacted]", {}] },
      ["payload.items.1"],
    ],
    [["payload.toString", "payload.__proto__"], payload, []],
  ])("of %j", (paths, expected, done) => {
    expect(redact(payload, paths)).toEqual({ payload: expected, paths: done });
  });

  it("writes to no prototype", () => {
    const hostile = JSON.parse('{"__proto__":{"secret":1}}');
    const { payload: redacted } = redact(hostile, ["payload.__proto__.secret"]);
    expect(JSON.stringify(redacted)).toBe('{"__proto__":{"secret":"[redacted]"}}');
    expect(({} as { secret?: unknown }).secret).toBeUndefined();
  });

  it("leaves no value at its path, whatever the payload", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 1 }), (inner, key) => {
        fc.pre(!key.includes(".") && key !== "*");
        const { payload: got } = redact({ [key]: inner, kept: 1 }, [`payload.${key}`]);
        return (got as Record<string, unknown>)[key] === "[redacted]";
      }),
    );
  });
});
