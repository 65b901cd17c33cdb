import { describe, expect, it } from "vitest";
import { isUsageError, readArguments } from "../src/arguments.ts";
import { benches } from "../src/benches/index.ts";
import { exampleBench } from "./example-bench.ts";

const read = (...args: string[]) => readArguments(args, [exampleBench]);

describe("readArguments", () => {
  it("names no bench when none is given", () => {
    expect(read().bench).toBeUndefined();
  });

  it("takes every case and the bench's own rounds unless told otherwise", () => {
    expect(read("example")).toEqual({
      bench: exampleBench,
      cases: ["bare", "eight", "other"],
      rounds: 7,
      quick: false,
      json: false,
      assert: false,
      profile: undefined,
    });
  });

  it("takes some cases, in the bench's order", () => {
    expect(read("example", "--case", "eight,bare").cases).toEqual(["bare", "eight"]);
  });

  it("runs three rounds when it has to be quick, or as many as it is told", () => {
    expect(read("example", "--quick").rounds).toBe(3);
    expect(read("example", "--quick", "--rounds", "5").rounds).toBe(5);
  });

  it.each([
    [["exmaple"], 'there is no bench "exmaple"; there are example'],
    [["example", "--case", "nine"], 'example has no case "nine"; it has bare, eight, other'],
    [["example", "--rounds", "0"], '--rounds got "0"; it is a whole number from 1 on'],
    [["example", "--rounds", "many"], '--rounds got "many"; it is a whole number from 1 on'],
    [["example", "another"], "one bench at a time, got example, another"],
    [["example", "--fast"], "Unknown option '--fast'"],
  ])("refuses %j", (args, message) => {
    const refused = () => readArguments(args, [exampleBench]);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.toSatisfy(isUsageError));
  });
});

describe("benches", () => {
  it("are these, each with these cases", () => {
    const cases = benches.map(({ name, cases }) => [name, Object.keys(cases)]);
    expect(Object.fromEntries(cases)).toEqual({
      overhead: ["bare", "core", "eight", "failure", "admission", "bareFailing", "failing"],
      enqueue: ["bare", "eight"],
      latency: ["bare", "eight"],
      backlog: ["bare", "parked", "breaker", "throttled"],
      peers: ["bare", "eight", "bullmq", "pgboss"],
      precision: ["deferred"],
      roundtrips: ["bare", "eight", "deferring", "limited"],
      saga: ["saga", "crowded", "dbos"],
    });
  });
});
