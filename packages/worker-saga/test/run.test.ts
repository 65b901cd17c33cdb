import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineWorkflow } from "../src/index.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

describe("a run", () => {
  it("runs a chain, each step on the result before it", async () => {
    const chain = defineWorkflow({
      name: "chain",
      input: z.object({ n: z.number() }),
      steps: (flow) =>
        flow
          .step({ id: "a", execute: ({ input }) => input.n + 1 })
          .step({ id: "b", execute: async ({ results }) => ({ n: results.a * 2 }) })
          .step({ id: "c", execute: ({ results }) => `${results.b.n}` }),
    });
    const harness = await start([chain]);
    const { id, started } = await harness.api.start(chain, { n: 1 }, { id: "one" });
    expect({ id, started }).toEqual({ id: "one", started: true });
    expect(await harness.api.result(id, { workflow: chain })).toEqual({
      a: 2,
      b: { n: 4 },
      c: "4",
    });
    await harness.drain();
    await prove(harness);
    expect((await harness.api.history(id)).map(({ step, outcome }) => [step, outcome])).toEqual([
      ["a", "succeeded"],
      ["b", "succeeded"],
      ["c", "succeeded"],
    ]);
  });

  it("runs a graph, and its join once", async () => {
    const ran: string[] = [];
    const execute = ({ idempotencyKey }: { idempotencyKey: string }) =>
      void ran.push(idempotencyKey);
    const graph = defineWorkflow({
      name: "graph",
      steps: [
        { id: "root", execute },
        { id: "left", dependsOn: ["root"], execute },
        { id: "right", dependsOn: ["root"], execute },
        { id: "join", dependsOn: ["left", "right"], execute },
      ],
    });
    const harness = await start([graph], { worker: { concurrentJobs: 5 } });
    await Promise.all(["1", "2", "3", "4"].map((id) => harness.api.start(graph, null, { id })));
    for (const id of ["1", "2", "3", "4"]) await harness.api.result(id);
    expect(ran.filter((key) => key.endsWith("/join")).sort()).toEqual([
      "1/join",
      "2/join",
      "3/join",
      "4/join",
    ]);
    expect(ran).toHaveLength(16);
    await prove(harness);
  });

  it("compensates what ran, in reverse, and says why", async () => {
    const undone: unknown[] = [];
    const failing = defineWorkflow({
      name: "failing",
      steps: (flow) =>
        flow
          .step({
            id: "a",
            execute: () => "A",
            compensate: ({ result }) => void undone.push(result),
          })
          .step({
            id: "b",
            execute: () => "B",
            compensate: ({ result, failure }) => void undone.push([result, failure]),
          })
          .step({
            id: "c",
            retry: soon,
            execute: () => {
              throw new Error("boom");
            },
            compensate: () => void undone.push("C"),
          })
          .always({ id: "clean", execute: ({ failure }) => failure?.step }),
    });
    const harness = await start([failing]);
    const { id } = await harness.api.start(failing, null);
    await reach(harness.api, id, "compensated");
    expect(undone).toEqual([["B", { cause: "step", step: "c", message: "boom" }], "A"]);
    expect(await stepStates(harness.api, id)).toEqual({
      a: "compensated",
      b: "compensated",
      c: "failed",
      clean: "succeeded",
    });
    const attempts = (await harness.api.history(id)).filter(({ step }) => step === "c");
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "failed"],
    ]);
    await prove(harness);
    await expect(harness.api.result(id)).rejects.toThrow("is compensated: step c: boom");
    await harness.drain();
    expect(await harness.worker.engine.ids({})).toEqual([]);
  });
});
