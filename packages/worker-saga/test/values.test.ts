import { describe, expect, it } from "vitest";
import { canonical, differences, toJson } from "../src/values.ts";

describe("toJson", () => {
  it.each<[unknown, string]>([
    [() => 1, "got a function"],
    [{ a: { b: () => 1 } }, 'got a function at "b"'],
    [Number.NaN, "got NaN"],
    [10n, "BigInt"],
    [new Map([[1, 2]]), "got a Map; make it an array or an object"],
    [Symbol("x"), "got a symbol"],
  ])("refuses what JSON would lose: %s", (value, message) => {
    expect(() => toJson(value, "the result", 1_000)).toThrow(message);
  });

  it("refuses a circle, and what is too large", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => toJson(circle, "the result", 1_000)).toThrow(
      "the result cannot be written as JSON",
    );
    expect(() => toJson("x".repeat(20_000_000), "the result of step a", 1_048_576)).toThrow(
      "the result of step a has 20000002 bytes as JSON; at most 1048576 (option maxValueBytes)",
    );
    expect(() => toJson("ü".repeat(600), "it", 1_000)).toThrow("it has 1202 bytes");
  });

  it("keeps what is JSON, and nothing for nothing", () => {
    expect(toJson({ at: new Date(0), n: null, u: undefined, z: "\u0000" }, "it", 1_000)).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","n":null,"z":"\\u0000"}',
    );
    expect(toJson(undefined, "it", 1_000)).toBeUndefined();
  });
});

describe("differences", () => {
  it("names the paths", () => {
    expect(differences({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1, c: 3 }, d: [2], e: 1 })).toEqual(
      ["input.a.c was 2, is 3", "input.d.0 was 1, is 2", "input.e was not there, is 1"],
    );
    expect(differences({ a: 1, b: 2 }, { b: 2, a: 1 })).toEqual([]);
    expect(canonical({ b: 1, a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":1}');
  });
});
