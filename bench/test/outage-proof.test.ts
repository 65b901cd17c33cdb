import { describe, expect, it } from "vitest";
import { proveAttempts } from "../soak/outage-proof.ts";

const call = (job: string, attempt: number, answered: boolean) => ({ job, attempt, answered });

describe("proveAttempts", () => {
  it("finds nothing where each job was answered at its last attempt, with a call for every one", () => {
    const calls = [call("1", 1, false), call("2", 1, true), call("1", 2, true)];
    expect(proveAttempts(calls, ["1", "2"])).toEqual([]);
  });

  it.each([
    ["that lost an attempt without a call", [call("1", 1, false), call("1", 3, true)]],
    ["that was answered twice", [call("1", 1, true), call("1", 2, true)]],
    ["that was never answered", [call("1", 1, false)]],
    ["that was never called", []],
    ["whose attempt made two calls", [call("1", 1, false), call("1", 1, true)]],
  ])("finds a job %s", (_, calls) => {
    expect(proveAttempts(calls, ["1"])).toEqual([expect.stringContaining("job 1 made the calls")]);
  });
});
