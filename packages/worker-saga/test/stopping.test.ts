import { describe, expect, it } from "vitest";
import { defineWorkflow, isWrongStateError } from "../src/index.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

const never = () => new Promise<never>(() => {});

describe("cancel", () => {
  it("aborts what runs, compensates what ran, and has nothing else start", async () => {
    const undone: string[] = [];
    let aborted = false;
    const long = defineWorkflow({
      name: "long",
      steps: (flow) =>
        flow
          .step({ id: "a", execute: () => 1, compensate: () => void undone.push("a") })
          .step({
            id: "b",
            execute: ({ signal }) =>
              new Promise((_, reject) => {
                signal.addEventListener("abort", () => {
                  aborted = true;
                  reject(signal.reason);
                });
              }),
            compensate: ({ result }) => void undone.push(`b ${result}`),
          })
          .step({ id: "c", execute: () => undone.push("c ran") }),
    });
    const harness = await start([long]);
    const { id } = await harness.api.start(long, null);
    await expect.poll(async () => (await stepStates(harness.api, id))["b"]).toBe("running");
    await harness.api.cancel(id, "the customer left");
    expect((await harness.api.get(id))?.state).toBe("compensating");
    await harness.api.cancel(id, "again");
    await reach(harness.api, id, "cancelled");
    expect({ aborted, undone }).toEqual({ aborted: true, undone: ["b undefined", "a"] });
    expect(await harness.api.get(id)).toMatchObject({
      cause: "cancelled",
      failure: "the customer left",
    });
    await prove(harness);
    await expect(harness.api.cancel(id)).rejects.toSatisfy(isWrongStateError);
  });

  it("does not wait for a step that never ends", async () => {
    const stuck = defineWorkflow({
      name: "stuck",
      steps: (flow) => flow.step({ id: "a", execute: never, compensate: () => {} }),
    });
    const harness = await start([stuck]);
    const { id } = await harness.api.start(stuck, null);
    await expect.poll(async () => (await stepStates(harness.api, id))["a"]).toBe("running");
    await harness.api.cancel(id);
    await reach(harness.api, id, "cancelled");
    expect(await stepStates(harness.api, id)).toEqual({ a: "compensated" });
  });

  it("leaves what ran as it is when told so, and runs the clean-up", async () => {
    const held = defineWorkflow({
      name: "held",
      steps: (flow) =>
        flow
          .step({ id: "a", execute: () => 1, compensate: () => {} })
          .waitForSignal({ id: "go" })
          .always({ id: "clean", execute: ({ failure }) => failure?.cause }),
    });
    const harness = await start([held]);
    const { id } = await harness.api.start(held, null);
    await expect.poll(async () => (await stepStates(harness.api, id))["go"]).toBe("waiting");
    await harness.api.cancel(id, "enough", { compensate: false });
    await reach(harness.api, id, "cancelled");
    expect(await stepStates(harness.api, id)).toEqual({
      a: "succeeded",
      go: "cancelled",
      clean: "succeeded",
    });
    await expect(harness.api.signal(id, "go")).rejects.toSatisfy(isWrongStateError);
  });

  it("before anything ran leaves nothing behind", async () => {
    const plain = defineWorkflow({
      name: "plain",
      steps: (flow) => flow.step({ id: "a", execute: () => 1, compensate: () => {} }),
    });
    const harness = await start([plain], { start: false });
    await harness.worker.migrate();
    const { id } = await harness.client.plugins.saga.start(plain, null);
    await harness.client.plugins.saga.cancel(id);
    expect((await harness.client.plugins.saga.get(id))?.state).toBe("cancelled");
    await harness.worker.start();
    await harness.drain();
    expect(await stepStates(harness.api, id)).toEqual({ a: "cancelled" });
    expect(await harness.worker.engine.ids({})).toEqual([]);
  });
});

describe("a deadline", () => {
  it("ends the run, and what may have run is undone", async () => {
    const undone: string[] = [];
    const slow = defineWorkflow({
      name: "slow",
      deadline: "1500ms",
      steps: (flow) =>
        flow
          .step({ id: "a", execute: () => 1, compensate: () => void undone.push("a") })
          .step({ id: "b", execute: never, compensate: () => void undone.push("b") }),
    });
    const harness = await start([slow]);
    const { id } = await harness.api.start(slow, null);
    await reach(harness.api, id, "compensated");
    expect(undone).toEqual(["b", "a"]);
    expect(await harness.api.get(id)).toMatchObject({
      cause: "deadline",
      failure: "the run did not end before its deadline",
    });
    await prove(harness);
  });
});

describe("a timeout", () => {
  it("fails the attempt as one that may have run, and a late return counts for nothing", async () => {
    const late = Promise.withResolvers<string>();
    const undone: unknown[] = [];
    const slow = defineWorkflow({
      name: "timeout",
      steps: (flow) =>
        flow.step({
          id: "a",
          timeout: 30,
          retry: { maxAttempts: 1 },
          execute: () => late.promise,
          compensate: ({ result }) => void undone.push(result),
        }),
    });
    const harness = await start([slow]);
    const { id } = await harness.api.start(slow, null);
    await reach(harness.api, id, "compensated");
    late.resolve("late");
    await harness.drain();
    expect(undone).toEqual([undefined]);
    expect((await harness.api.history(id))[0]).toMatchObject({ outcome: "timed_out" });
    expect((await harness.api.get(id))?.failure).toBe("step a: step a did not settle within 30 ms");
  });

  it("of one attempt leaves the next one its time", async () => {
    let tries = 0;
    const slow = defineWorkflow({
      name: "second",
      steps: (flow) =>
        flow.step({
          id: "a",
          timeout: 50,
          retry: soon,
          execute: () => (++tries === 1 ? never() : tries),
        }),
    });
    const harness = await start([slow]);
    const { id } = await harness.api.start(slow, null);
    expect(await harness.api.result(id, { workflow: slow })).toEqual({ a: 2 });
  });
});
