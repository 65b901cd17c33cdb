import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  defineWorkflow,
  isInvalidValueError,
  isNotFoundError,
  isWrongStateError,
} from "../src/index.ts";
import { prove, reach, start, stepStates } from "./start.ts";

const paid = defineWorkflow({
  name: "paid",
  steps: (flow) =>
    flow
      .waitForSignal({ id: "payment", schema: z.object({ by: z.string() }) })
      .step({ id: "ship", execute: ({ results }) => results.payment.by }),
});
const waits = (api: Parameters<typeof stepStates>[0], id: string, step: string) =>
  expect
    .poll(async () => (await stepStates(api, id))[step], { timeout: 5_000, interval: 10 })
    .toBe("waiting");

describe("a signal", () => {
  it("is delivered when it comes during the wait, which has no job", async () => {
    const harness = await start([paid]);
    await harness.api.start(paid, null, { id: "r" });
    await waits(harness.api, "r", "payment");
    await harness.drain();
    expect(await harness.worker.engine.ids({})).toEqual([]);
    expect(await harness.api.signal("r", "payment", { by: "card" })).toEqual({
      status: "delivered",
    });
    expect(await harness.api.result("r", { workflow: paid })).toEqual({
      payment: { by: "card" },
      ship: "card",
    });
    await expect(harness.api.signal("r", "payment", { by: "x" })).rejects.toSatisfy(
      isWrongStateError,
    );
    await prove(harness);
  });

  it("that comes after the wait is refused, and one that was sent before is known by its key", async () => {
    const two = defineWorkflow({
      name: "two",
      steps: (flow) => flow.waitForSignal({ id: "one" }).waitForSignal({ id: "two" }),
    });
    const harness = await start([two]);
    await harness.api.start(two, null, { id: "r" });
    const send = () => harness.api.signal("r", "one", 1, { key: "k" });
    await send();
    await waits(harness.api, "r", "two");
    expect(await send()).toEqual({ status: "duplicate" });
    await expect(harness.api.signal("r", "one", 2)).rejects.toThrow(
      'nothing waits for signal "one" any more',
    );
    await harness.api.signal("r", "two", 2);
    await harness.api.result("r");
    expect(await send()).toEqual({ status: "duplicate" });
    expect(await harness.sql("select name from oppulence_worker.saga_signals")).toHaveLength(2);
  });

  it("waits in the mailbox when it comes first, and twice by one key is once", async () => {
    const harness = await start([paid], { start: false });
    await harness.worker.migrate();
    await harness.api.start(paid, null, { id: "r" });
    expect(await harness.api.signal("r", "payment", { by: "1" }, { key: "k" })).toEqual({
      status: "stored",
    });
    expect(await harness.api.signal("r", "payment", { by: "2" }, { key: "k" })).toEqual({
      status: "duplicate",
    });
    await harness.worker.start();
    expect(await harness.api.result("r", { workflow: paid })).toMatchObject({ ship: "1" });
    const taken = await harness.sql("select taken_by from oppulence_worker.saga_signals");
    expect(taken).toEqual([{ taken_by: 0 }]);
  });

  it("that is sent twice is taken by two waits, in order", async () => {
    const twice = defineWorkflow({
      name: "twice",
      steps: (flow) =>
        flow
          .waitForSignal({ id: "first", signal: "go" })
          .waitForSignal({ id: "second", signal: "go" })
          .step({
            id: "end",
            dependsOn: ["first", "second"],
            execute: ({ results }) => [results.first, results.second],
          }),
    });
    const harness = await start([twice]);
    await harness.api.start(twice, null, { id: "r" });
    await harness.api.signal("r", "go", 1);
    await harness.api.signal("r", "go", 2);
    expect(await harness.api.result("r", { workflow: twice })).toMatchObject({ end: [1, 2] });
  });

  it("is sent in the caller's transaction, or not at all", async () => {
    const harness = await start([paid]);
    await harness.api.start(paid, null, { id: "r" });
    await waits(harness.api, "r", "payment");
    const rolledBack = harness.worker.transaction(async (query) => {
      await harness.api.signal("r", "payment", { by: "x" }, { client: query });
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    expect(await stepStates(harness.api, "r")).toMatchObject({ payment: "waiting" });
    await harness.worker.transaction((query) =>
      harness.api.signal("r", "payment", { by: "y" }, { client: query }),
    );
    expect(await harness.api.result("r", { workflow: paid })).toMatchObject({ ship: "y" });
  });

  it("is refused for what it does not fit", async () => {
    const harness = await start([paid]);
    await harness.api.start(paid, null, { id: "r" });
    await expect(harness.api.signal("s", "payment", { by: "x" })).rejects.toThrow(
      'no run has the id "s"',
    );
    await expect(harness.api.signal("r", "pament", 1)).rejects.toSatisfy(isNotFoundError);
    await expect(harness.api.signal("r", "payment", { by: 1 })).rejects.toSatisfy(
      isInvalidValueError,
    );
  });

  it("that does not come in time fails the run, or is gone without", async () => {
    const late = (onTimeout: "fail" | "continue") =>
      defineWorkflow({
        name: `late-${onTimeout}`,
        steps: [
          { id: "wait", kind: "signal", timeout: "80ms", onTimeout },
          { id: "after", execute: ({ results }) => results.wait ?? "nothing" },
        ],
      });
    const [fails, goes] = [late("fail"), late("continue")];
    const harness = await start([fails, goes]);
    await harness.api.start(fails, null, { id: "f" });
    await harness.api.start(goes, null, { id: "g" });
    await reach(harness.api, "f", "failed");
    expect((await harness.api.get("f"))?.failure).toBe('step wait: no signal "wait" came in time');
    expect(await harness.api.result("g")).toMatchObject({ after: "nothing" });
    expect(await stepStates(harness.api, "g")).toMatchObject({ wait: "skipped" });
    await prove(harness);
  });
});

describe("a sleep", () => {
  it("has no job, and ends in time although nobody polls soon", async () => {
    const nap = defineWorkflow({
      name: "nap",
      steps: (flow) =>
        flow
          .sleep({ id: "rest", for: ({ input }) => Number(input) })
          .step({ id: "up", execute: () => 1 }),
    });
    const harness = await start([nap], { saga: { pollInterval: "1h" } });
    const began = performance.now();
    await harness.api.start(nap, 300, { id: "r" });
    await waits(harness.api, "r", "rest");
    await harness.drain();
    expect(await harness.worker.engine.ids({})).toEqual([]);
    await harness.api.result("r");
    expect(performance.now() - began).toBeGreaterThan(300);
    await prove(harness);
  });
});

describe("a condition", () => {
  it("skips its step, and what depends on it goes on", async () => {
    const maybe = defineWorkflow({
      name: "maybe",
      steps: (flow) =>
        flow
          .step({
            id: "a",
            when: ({ input }) => input === "yes",
            execute: () => "A",
            compensate: () => {},
          })
          .step({ id: "b", execute: ({ results }) => results.a ?? "none" }),
    });
    const harness = await start([maybe]);
    await harness.api.start(maybe, "no", { id: "n" });
    await harness.api.start(maybe, "yes", { id: "y" });
    expect(await harness.api.result("n", { workflow: maybe })).toEqual({ b: "none" });
    expect(await harness.api.result("y", { workflow: maybe })).toEqual({ a: "A", b: "A" });
    expect(await stepStates(harness.api, "n")).toEqual({ a: "skipped", b: "succeeded" });
  });
});
