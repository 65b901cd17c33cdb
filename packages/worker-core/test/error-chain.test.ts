import { describe, expect, it } from "vitest";
import { causesOf, hasCode, readProperty } from "../src/index.ts";

describe("causesOf", () => {
  it("ends at a circle, and at eight", () => {
    const a: { cause?: unknown } = {};
    const b = { cause: a };
    a.cause = b;
    expect(causesOf(a)).toEqual([a, b]);
    let deep: unknown = "innermost";
    for (let depth = 0; depth < 20; depth++) deep = new Error(`${depth}`, { cause: deep });
    expect(causesOf(deep)).toHaveLength(8);
  });

  it("stands whatever was thrown", () => {
    const hostile = {
      get cause() {
        throw new Error("no");
      },
    };
    expect(causesOf(hostile)).toEqual([hostile]);
    expect(causesOf(undefined)).toEqual([]);
    expect(causesOf("text")).toEqual(["text"]);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(readProperty(proxy, "code")).toBeUndefined();
  });
});

describe("hasCode", () => {
  it("tells errors of another copy of a package, and stands whatever was thrown", () => {
    expect(hasCode({ code: "LATE" }, "LATE")).toBe(true);
    expect(hasCode(Object.assign(new Error("x"), { code: "LATE" }), "EARLY")).toBe(false);
    for (const thrown of [undefined, null, "LATE", 42]) expect(hasCode(thrown, "LATE")).toBe(false);
  });
});
