import { describe, expect, it } from "vitest";
import { defineWorkflow } from "../src/index.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

describe("a fan-out", () => {
  it("runs every item once, so many at once, and is joined once", async () => {
    let active = 0;
    let most = 0;
    let joined = 0;
    const seen: number[] = [];
    const fan = defineWorkflow({
      name: "fan",
      steps: (flow) =>
        flow
          .each({
            id: "each",
            width: 4,
            items: () => Array.from({ length: 60 }, (_, n) => ({ n })),
            execute: async ({ item, index }) => {
              active += 1;
              most = Math.max(most, active);
              await new Promise((resolve) => setImmediate(resolve));
              active -= 1;
              seen.push(index);
              return item.n * 2;
            },
          })
          .step({
            id: "sum",
            execute: async ({ results }) => {
              joined += 1;
              let sum = 0;
              for await (const one of results.each) sum += one;
              return { sum, count: results.each.count, all: (await results.each.all()).length };
            },
          }),
    });
    const harness = await start([fan], { worker: { concurrentJobs: 10 } });
    const { id } = await harness.api.start(fan, null);
    expect(await harness.api.result(id, { workflow: fan })).toEqual({
      each: { count: 60 },
      sum: { sum: 60 * 59, count: 60, all: 60 },
    });
    expect({ joined, seen: new Set(seen).size, times: seen.length }).toEqual({
      joined: 1,
      seen: 60,
      times: 60,
    });
    expect(most).toBeLessThanOrEqual(4);
    const first: unknown[] = [];
    for await (const one of harness.api.items(id, "each")) first.push(one);
    expect(first.slice(0, 3)).toEqual([0, 2, 4]);
    await prove(harness);
  });

  it("of thousands has no more jobs in the queue than its width, and is joined once", async () => {
    const count = 2_000;
    let [joins, queued] = [0, 0];
    const large = defineWorkflow({
      name: "large",
      steps: (flow) =>
        flow
          .each({
            id: "each",
            width: 25,
            items: () => Array.from({ length: count }, (_, n) => n),
            async execute({ item, query }) {
              if (item % 100 === 0)
                queued = Math.max(queued, (await query("select from graphile_worker.jobs")).length);
              return item;
            },
          })
          .step({
            id: "join",
            async execute({ results }) {
              joins += 1;
              let sum = 0;
              for await (const one of results.each) sum += one;
              return sum;
            },
          }),
    });
    const harness = await start([large], {
      worker: { concurrentJobs: 24, localQueue: { size: 100 } },
    });
    const { id } = await harness.api.start(large, null);
    expect(await harness.api.result(id, { workflow: large, timeout: "60s" })).toEqual({
      each: { count },
      join: (count * (count - 1)) / 2,
    });
    expect(joins).toBe(1);
    expect(queued).toBeLessThanOrEqual(25);
    await prove(harness);
  }, 60_000);

  it("and steps with transactions get by with three connections", async () => {
    const small = defineWorkflow({
      name: "small",
      steps: (flow) =>
        flow.each({ id: "each", items: () => [1, 2, 3], execute: ({ item }) => item }).step({
          id: "sum",
          transactional: true,
          execute: async ({ results, query }) => {
            await query("select 1");
            return (await results.each.all()).reduce((sum, one) => sum + one, 0);
          },
        }),
    });
    const nested = defineWorkflow({
      name: "nested",
      steps: (flow) => flow.child({ id: "one", workflow: small, childInput: () => null }),
    });
    const workflows = [small, nested];
    const { database } = await start(workflows, { start: false });
    const harness = await start(workflows, {
      database,
      poolSize: 3,
      worker: { concurrentJobs: 12 },
    });
    const ids = Array.from({ length: 15 }, (_, n) => `r${n}`);
    await Promise.all(ids.map((id) => harness.api.start(nested, null, { id })));
    for (const id of ids)
      expect(await harness.api.result(id, { workflow: nested })).toMatchObject({
        one: { sum: 6 },
      });
    await prove(harness);
  });

  it("of nothing is done at once", async () => {
    const none = defineWorkflow({
      name: "none",
      steps: (flow) =>
        flow
          .each({ id: "each", items: () => [], execute: () => 1 })
          .step({ id: "b", execute: ({ results }) => results.each.count }),
    });
    const harness = await start([none]);
    const { id } = await harness.api.start(none, null);
    expect(await harness.api.result(id)).toEqual({ each: { count: 0 }, b: 0 });
  });

  it("that fails undoes the items that ran, and no others", async () => {
    const undone: number[] = [];
    const fan = defineWorkflow({
      name: "fails",
      steps: (flow) =>
        flow.each({
          id: "each",
          width: 3,
          retry: soon,
          items: () => Array.from({ length: 20 }, (_, n) => n),
          execute: ({ item }) => {
            if (item === 7) throw new Error("seven");
            return item;
          },
          compensate: ({ index, result }) => void undone.push(index === result ? index : -1),
        }),
    });
    const harness = await start([fan], { worker: { concurrentJobs: 1 } });
    const { id } = await harness.api.start(fan, null);
    await reach(harness.api, id, "compensated");
    const rows = await harness.sql<{ item: number; state: string }>(
      "select item, state from oppulence_worker.saga_steps where item >= 0 order by item",
    );
    const compensated = rows.filter(({ state }) => state === "compensated").map(({ item }) => item);
    expect([...undone].sort((a, b) => a - b)).toEqual(compensated);
    expect(compensated).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 5, 6]));
    expect(rows[7]?.state).toBe("failed");
    expect((await harness.api.get(id))?.failure).toBe("step each[7]: seven");
    await prove(harness);
  });
});

describe("a child", () => {
  const undone: string[] = [];
  const child = defineWorkflow({
    name: "child",
    steps: (flow) =>
      flow
        .step({
          id: "one",
          execute: ({ input }) => input,
          compensate: () => void undone.push("one"),
        })
        .step({
          id: "two",
          retry: { maxAttempts: 1 },
          execute: ({ input }) => {
            if (input === "bad") throw new Error("bad child");
            return "two";
          },
        }),
  });
  const parent = (fail: boolean) =>
    defineWorkflow({
      name: `parent-${fail}`,
      steps: (flow) =>
        flow.child({ id: "sub", workflow: child, childInput: ({ input }) => input }).step({
          id: "after",
          retry: { maxAttempts: 1 },
          execute: ({ results }) => {
            if (fail) throw new Error("after");
            return results.sub.two;
          },
        }),
    });

  it("gives its results to its parent", async () => {
    const workflow = parent(false);
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, "good", { id: "p" });
    expect(await harness.api.result(id)).toEqual({
      sub: { one: "good", two: "two" },
      after: "two",
    });
    expect(await harness.api.get("p/sub")).toMatchObject({ parent: "p", state: "succeeded" });
    await prove(harness);
  });

  it("that fails fails its parent", async () => {
    const workflow = parent(false);
    const harness = await start([workflow]);
    await harness.api.start(workflow, "bad", { id: "p" });
    await reach(harness.api, "p", "failed");
    expect((await harness.api.get("p"))?.failure).toBe(
      "step sub: its run p/sub is compensated: bad child",
    );
    await prove(harness);
  });

  it("whose id is another run's fails its step, and leaves that run alone", async () => {
    const workflow = parent(false);
    const harness = await start([workflow, child]);
    await harness.api.start(child, "mine", { id: "p/sub" });
    await harness.api.result("p/sub");
    await harness.api.start(workflow, "good", { id: "p" });
    await reach(harness.api, "p", "failed");
    expect((await harness.api.get("p"))?.failure).toBe(
      "step sub: its run would be p/sub, which is another run's id",
    );
    expect(await harness.api.get("p/sub")).toMatchObject({ input: "mine", state: "succeeded" });
    await prove(harness);
  });

  it("is undone as its parent's compensation, although it had succeeded", async () => {
    undone.length = 0;
    const workflow = parent(true);
    const harness = await start([workflow]);
    await harness.api.start(workflow, "good", { id: "p" });
    await reach(harness.api, "p", "compensated");
    expect(undone).toEqual(["one"]);
    expect((await harness.api.get("p/sub"))?.state).toBe("cancelled");
    await prove(harness);
  });

  it("is cancelled with its parent", async () => {
    const waiting = defineWorkflow({
      name: "waiting",
      steps: (flow) => flow.waitForSignal({ id: "go" }),
    });
    const outer = defineWorkflow({
      name: "outer",
      steps: (flow) => flow.child({ id: "sub", workflow: waiting, childInput: () => null }),
    });
    const harness = await start([outer]);
    await harness.api.start(outer, null, { id: "p" });
    await expect.poll(async () => (await stepStates(harness.api, "p/sub"))["go"]).toBe("waiting");
    await harness.api.cancel("p");
    await reach(harness.api, "p", "cancelled");
    expect((await harness.api.get("p/sub"))?.state).toBe("cancelled");
    await prove(harness);
  });
});
