import { describe, expect, it } from "vitest";
import { defineWorkflow, isNotFoundError, isWrongStateError } from "../src/index.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

/** A workflow whose second compensation fails until it is told otherwise. */
function stubborn() {
  const told = { broken: true, undone: [] as string[], failB: true };
  const workflow = defineWorkflow({
    name: "stubborn",
    steps: (flow) =>
      flow
        .step({ id: "a", execute: () => 1, compensate: () => void told.undone.push("a") })
        .step({
          id: "b",
          execute: () => 2,
          compensateRetry: { maxAttempts: 2, backoff: 1 },
          compensate: ({ input }) => {
            if (told.broken && input !== "mended") throw new Error("cannot undo b");
            told.undone.push("b");
          },
        })
        .step({
          id: "c",
          retry: { maxAttempts: 1 },
          execute: () => {
            if (told.failB) throw new Error("boom");
            return "done";
          },
        }),
  });
  return { workflow, told };
}

describe("a compensation that keeps failing", () => {
  it("parks the run, and a resume tries it again", async () => {
    const { workflow, told } = stubborn();
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, null);
    await reach(harness.api, id, "compensation_failed");
    expect(await stepStates(harness.api, id)).toMatchObject({
      a: "undo_pending",
      b: "compensation_failed",
    });
    await prove(harness);
    await expect(harness.api.result(id)).rejects.toThrow("is compensation_failed");
    await harness.api.resume(id);
    await expect
      .poll(
        async () =>
          (await harness.api.history(id)).filter(({ kind }) => kind === "compensate").length,
      )
      .toBe(4);
    await reach(harness.api, id, "compensation_failed");
    told.broken = false;
    await harness.api.resume(id);
    await reach(harness.api, id, "compensated");
    expect(told.undone).toEqual(["b", "a"]);
    await prove(harness);
    await expect(harness.api.resume(id)).rejects.toSatisfy(isWrongStateError);
  });

  it("goes on with another input", async () => {
    const { workflow, told } = stubborn();
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, null);
    await reach(harness.api, id, "compensation_failed");
    await harness.api.resume(id, { input: "mended" });
    await reach(harness.api, id, "compensated");
    expect(told.undone).toEqual(["b", "a"]);
  });

  it("is left out by a skip, and the others are undone", async () => {
    const { workflow, told } = stubborn();
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, null);
    await reach(harness.api, id, "compensation_failed");
    await expect(harness.api.skip(id, "a", "no")).rejects.toSatisfy(isNotFoundError);
    await harness.api.skip(id, "b", "refunded by hand");
    await reach(harness.api, id, "compensated");
    expect(told.undone).toEqual(["a"]);
    const run = await harness.api.get(id);
    expect(run?.steps[1]).toMatchObject({
      state: "compensation_skipped",
      error: "refunded by hand",
    });
    await prove(harness);
  });

  it("because it never ends is cut off at its timeout, each time", async () => {
    const stuck = defineWorkflow({
      name: "stuck",
      steps: (flow) =>
        flow
          .step({
            id: "a",
            execute: () => 1,
            compensate: () => new Promise<never>(() => {}),
            compensateTimeout: 30,
            compensateRetry: { maxAttempts: 2, backoff: 1 },
          })
          .step({
            id: "b",
            retry: { maxAttempts: 1 },
            execute: () => Promise.reject(new Error("no")),
          }),
    });
    const harness = await start([stuck]);
    const { id } = await harness.api.start(stuck, null);
    await reach(harness.api, id, "compensation_failed");
    const attempts = (await harness.api.history(id)).filter(({ kind }) => kind === "compensate");
    expect(attempts.map(({ outcome, error }) => [outcome, error?.message])).toEqual([
      ["timed_out", "step a did not settle within 30 ms"],
      ["timed_out", "step a did not settle within 30 ms"],
    ]);
    await prove(harness);
  });

  it("gives way to a redrive", async () => {
    const { workflow, told } = stubborn();
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, null);
    await reach(harness.api, id, "compensation_failed");
    await expect(harness.api.cancel(id)).rejects.toThrow("resume it, skip the step, or redrive it");
    told.failB = false;
    expect((await harness.api.plan(id)).map(({ step, action }) => [step, action])).toEqual([
      ["a", "run"],
      ["b", "run"],
      ["c", "run"],
    ]);
    await harness.api.redrive(id);
    await reach(harness.api, id, "succeeded");
    await prove(harness);
  });
});

describe("a redrive", () => {
  const flaky = () => {
    const told = { fail: true, ran: [] as string[] };
    const workflow = defineWorkflow({
      name: "flaky",
      onFailure: "stop",
      steps: (flow) =>
        flow
          .step({ id: "a", execute: ({ idempotencyKey }) => told.ran.push(idempotencyKey) })
          .step({
            id: "b",
            retry: { maxAttempts: 1 },
            execute: ({ idempotencyKey, input }) => {
              told.ran.push(idempotencyKey);
              if (told.fail && input !== "good") throw new Error("boom");
              return input;
            },
          })
          .step({
            id: "c",
            execute: ({ results, idempotencyKey }) => [results.b, told.ran.push(idempotencyKey)],
          })
          .always({
            id: "clean",
            dependsOn: ["a"],
            execute: ({ idempotencyKey }) => void told.ran.push(idempotencyKey),
          }),
    });
    return { workflow, told };
  };

  it("keeps what succeeded and runs what failed, with the same idempotency key", async () => {
    const { workflow, told } = flaky();
    const harness = await start([workflow]);
    await harness.api.start(workflow, "bad", { id: "r" });
    await reach(harness.api, "r", "failed");
    expect(await stepStates(harness.api, "r")).toEqual({
      a: "succeeded",
      b: "failed",
      c: "cancelled",
      clean: "succeeded",
    });
    told.ran.length = 0;
    expect(await harness.api.plan("r")).toEqual([
      { step: "a", action: "keep", why: "it is succeeded", state: "succeeded" },
      { step: "b", action: "run", why: "it failed", state: "failed" },
      { step: "c", action: "run", why: "it did not run to its end", state: "cancelled" },
      { step: "clean", action: "keep", why: "it is succeeded", state: "succeeded" },
    ]);
    await harness.api.redrive("r", { input: "good" });
    expect(await harness.api.result("r", { workflow })).toMatchObject({
      b: "good",
      c: ["good", 2],
    });
    expect(told.ran).toEqual(["r/b", "r/c"]);
    await prove(harness);
    await expect(harness.api.redrive("r")).rejects.toSatisfy(isWrongStateError);
  });

  it("of all runs everything, with new keys for what had succeeded", async () => {
    const { workflow, told } = flaky();
    const harness = await start([workflow]);
    await harness.api.start(workflow, "bad", { id: "r" });
    await reach(harness.api, "r", "failed");
    told.ran.length = 0;
    told.fail = false;
    await harness.api.redrive("r", { mode: "all" });
    await reach(harness.api, "r", "succeeded");
    expect([...told.ran].sort()).toEqual(["r/a#1", "r/b", "r/c", "r/clean#1"]);
  });

  it("of what failed and all that depends on it plans clean-up, too", async () => {
    const { workflow } = flaky();
    const harness = await start([workflow]);
    await harness.api.start(workflow, "bad", { id: "r" });
    await reach(harness.api, "r", "failed");
    const plan = await harness.api.plan("r", { mode: "failedAndDownstream" });
    expect(plan.map(({ action }) => action)).toEqual(["keep", "run", "run", "keep"]);
  });

  it("takes a newer definition: what it adds runs, what it drops is told", async () => {
    const { workflow, told } = flaky();
    const newer = defineWorkflow({
      name: "flaky",
      steps: (flow) =>
        flow
          .step({ id: "a", execute: () => 0 })
          .step({ id: "extra", execute: () => "new" })
          .step({ id: "b", dependsOn: ["a", "extra"], execute: ({ results }) => results.extra }),
    });
    const old = await start([workflow]);
    await old.api.start(workflow, "bad", { id: "r" });
    await reach(old.api, "r", "failed");
    const harness = await start([newer], { database: old.database });
    const plan = await harness.api.redrive("r", { definition: "current" });
    expect(plan.map(({ step, action }) => [step, action])).toEqual([
      ["a", "keep"],
      ["extra", "run"],
      ["b", "run"],
      ["c", "drop"],
      ["clean", "drop"],
    ]);
    expect(await harness.api.result("r")).toMatchObject({ extra: "new", b: "new" });
    expect(told.ran.filter((key) => key === "r/a")).toHaveLength(1);
    await prove(harness);
  });

  it("starts a failed child anew, and a child that was kept is undone by its new number", async () => {
    const undone: string[] = [];
    let fails = true;
    const kid = defineWorkflow({
      name: "kid",
      steps: [
        {
          id: "k",
          retry: { maxAttempts: 1 },
          execute: ({ input }) => {
            if (fails && input === "bad") throw new Error("a bad kid");
            return input;
          },
          compensate: ({ run }) => void undone.push(run.id),
        },
      ],
    });
    const children = ["good", "bad"].map((id) => ({
      id,
      kind: "child" as const,
      workflow: kid,
      childInput: () => id,
    }));
    const rules = { name: "parent", onFailure: "stop" } as const;
    const older = defineWorkflow({ ...rules, steps: children });
    const newer = defineWorkflow({
      ...rules,
      steps: [{ id: "first", execute: () => 1 }, ...children, { id: "go", kind: "signal" }],
    });
    const old = await start([older, kid]);
    await old.api.start(older, null, { id: "r" });
    await reach(old.api, "r", "failed");
    fails = false;
    const harness = await start([newer, older, kid], { database: old.database });
    await harness.api.redrive("r", { definition: "current" });
    await expect
      .poll(async () => (await stepStates(harness.api, "r"))["go"], { timeout: 10_000 })
      .toBe("waiting");
    expect((await harness.api.list({ workflow: "kid" })).map(({ id }) => id)).toEqual([
      "r/bad#1",
      "r/bad",
      "r/good",
    ]);
    await harness.api.cancel("r");
    await reach(harness.api, "r", "cancelled");
    expect(undone).toEqual(["r/bad#1", "r/good"]);
    await prove(harness);
  });

  it("of a compensated run runs what was undone, under new keys", async () => {
    const keys: string[] = [];
    let fail = true;
    const workflow = defineWorkflow({
      name: "undone",
      steps: (flow) =>
        flow
          .step({
            id: "a",
            execute: ({ idempotencyKey }) => keys.push(idempotencyKey),
            compensate: () => {},
          })
          .step({
            id: "b",
            retry: soon,
            execute: () => {
              if (fail) throw new Error("boom");
            },
          }),
    });
    const harness = await start([workflow]);
    await harness.api.start(workflow, null, { id: "r" });
    await reach(harness.api, "r", "compensated");
    fail = false;
    await harness.api.redrive("r");
    await reach(harness.api, "r", "succeeded");
    expect(keys).toEqual(["r/a", "r/a#1"]);
    await prove(harness);
  });
});
