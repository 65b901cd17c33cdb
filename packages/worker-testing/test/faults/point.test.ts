import { describe, expect, it } from "vitest";
import { parsePoint } from "../../src/faults/point.ts";
import { isFaultError } from "../../src/index.ts";

const parse = (point: string) => parsePoint(point as never);

describe("parsePoint", () => {
  it.for([
    ["beforeEnqueue:before", "beforeEnqueue:before"],
    ["run:after", "run:after"],
    ["onFailure:after@rate@limit", "onFailure:after@rate@limit"],
    ["permit:commit", "permit:commit:before"],
    ["permit:rollback:after", "permit:rollback:after"],
    ["permit:rollback@lock", "permit:rollback:before@lock"],
  ])("reads %s as a place in a hook", ([point, label]) => {
    expect(parse(point as string)).toEqual({ kind: "label", label });
  });

  it.for([
    ["statement:defer:after", { when: "after", name: "defer" }],
    ["statement:get_job", { when: "before", name: "get_job" }],
    ["statement:12", { when: "before", index: 12 }],
    ["statement:12:after", { when: "after", index: 12 }],
    [
      "statement:/^insert into a:b/i:after",
      { when: "after", pattern: { source: "^insert into a:b", flags: "i" } },
    ],
    ["insert:after", { when: "after", pattern: { source: "\\.add_jobs?\\(", flags: "" } }],
  ] as const)("reads %s as a statement", ([point, expected]) => {
    expect(parse(point)).toEqual({ kind: "statement", ...expected });
  });

  it.for([
    ["beforeRun:befor", /got the fault point "beforeRun:befor", did you mean "beforeRun:before"\?/],
    ["run:before@plugin", /got the fault point "run:before@plugin"/],
    ["beforeRun:after@", /got the fault point "beforeRun:after@"/],
    ["statement:defer:during", /; it is one of beforeEnqueue:before, .*, or statement:</],
    ["", /got the fault point ""/],
  ] as const)("refuses %j, and says what would be right", ([point, message]) => {
    let error: unknown;
    try {
      parse(point);
    } catch (thrown) {
      error = thrown;
    }
    expect(isFaultError(error, "UNKNOWN_POINT")).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  it("refuses a pattern that is none, before any process is started", () => {
    expect(() => parse("statement:/(/:before")).toThrow(SyntaxError);
  });
});
