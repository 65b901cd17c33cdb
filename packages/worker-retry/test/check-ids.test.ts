import { describe, expect, it } from "vitest";
import { checkIds } from "../src/check-ids.ts";

describe("checkIds", () => {
  it("takes one id or many", () => {
    expect(checkIds("42")).toEqual(["42"]);
    expect(checkIds(["1", "9223372036854775807"])).toEqual(["1", "9223372036854775807"]);
    expect(checkIds([])).toEqual([]);
  });

  it.each<[unknown]>([
    [""],
    ["-1"],
    ["1; drop table"],
    ["9223372036854775808"],
    [7],
    [["1", null]],
  ])("refuses %j, which is no job id", (ids) => {
    expect(() => checkIds(ids as string)).toThrow(/an id is a string of digits, such as "42"/);
  });
});
