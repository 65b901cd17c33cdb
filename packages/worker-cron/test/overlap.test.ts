import { describe, expect, it } from "vitest";
import { decideOverlap, type OpenRun } from "../src/overlap.ts";

const waiting: OpenRun = { jobId: "2", status: "scheduled" };
const running: OpenRun = { jobId: "1", status: "started" };

describe("decideOverlap", () => {
  it.each([
    ["allow", [running], "fire"],
    ["skip", [], "fire"],
    ["skip", [running], "skip"],
    ["skip", [waiting], "skip"],
    ["bufferOne", [], "fire"],
    ["bufferOne", [running], "fire"],
    ["bufferOne", [running, waiting], "skip"],
    ["bufferOne", [waiting], "skip"],
    ["cancelRunning", [], "fire"],
    ["cancelRunning", [running, waiting], "cancel"],
  ] as const)("%s with %j: %s", (policy, open, kind) => {
    expect(decideOverlap(policy, open).kind).toBe(kind);
  });

  it("says which job is in the way", () => {
    expect(decideOverlap("skip", [running])).toMatchObject({
      why: "job 1 of an earlier slot still runs",
    });
    expect(decideOverlap("cancelRunning", [running, waiting])).toMatchObject({
      jobIds: ["1", "2"],
    });
  });
});
