import { describe, expect, it } from "vitest";
import { roundOrder } from "../src/round-order.ts";
import { runBench } from "../src/run/run-bench.ts";
import { exampleBench } from "./example-bench.ts";

describe("roundOrder", () => {
  it("turns the order of the cases around from round to round", () => {
    const cases = ["bare", "core", "eight"];
    expect([0, 1, 2].map((round) => roundOrder(cases, round))).toEqual([
      ["bare", "core", "eight"],
      ["eight", "core", "bare"],
      ["bare", "core", "eight"],
    ]);
    expect(cases).toEqual(["bare", "core", "eight"]);
  });
});

describe("runBench", () => {
  it("interleaves the cases, one at a time, and drops the first round", async () => {
    const measured: string[] = [];
    const told: string[] = [];
    let underWay = 0;
    const rounds = await runBench({
      bench: exampleBench,
      cases: ["bare", "eight"],
      rounds: 2,
      onProgress: (round, name) => told.push(`${round} ${name}`),
      async measureCase(name, round) {
        underWay += 1;
        expect(underWay).toBe(1);
        await Promise.resolve();
        measured.push(`${round} ${name}`);
        underWay -= 1;
        return { rows: { [name]: round } };
      },
    });
    const order = ["0 bare", "0 eight", "1 eight", "1 bare", "2 bare", "2 eight"];
    expect(measured).toEqual(order);
    expect(told).toEqual(order);
    expect(rounds.map((round) => round.get("bare")?.rows)).toEqual([{ bare: 1 }, { bare: 2 }]);
  });
});
