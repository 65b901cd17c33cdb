import { type AnyPlugin, definePlugin, fail } from "@oppulence/worker-core";
import { recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  defineWorkflow,
  isInvalidValueError,
  isNotFoundError,
  isRunExistsError,
  isSagaTimeoutError,
  type StepContext,
} from "../src/index.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

const one = (execute: (context: any) => unknown, rules: object = {}) =>
  defineWorkflow({
    name: "one",
    steps: [{ id: "a", retry: soon, execute, ...rules }],
  });

describe("start", () => {
  it("with the same id and input does nothing, with another input says what differs", async () => {
    const workflow = one(() => 1);
    const harness = await start([workflow]);
    const input = { sku: "x", count: 1 };
    await harness.api.start(workflow, input, { id: "r" });
    expect(await harness.api.start(workflow, { count: 1, sku: "x" }, { id: "r" })).toEqual({
      id: "r",
      started: false,
    });
    const other = harness.api.start(workflow, { sku: "y", count: 1 }, { id: "r" });
    await expect(other).rejects.toThrow(
      'run "r" was started before, otherwise: input.sku was "x", is "y"',
    );
    await expect(other).rejects.toSatisfy(isRunExistsError);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => harness.api.start(workflow, 1, { id: "s" })),
    );
    expect(all.filter(({ started }) => started)).toHaveLength(1);
    await harness.drain();
    expect(await harness.api.list()).toHaveLength(2);
  });

  it("is part of the caller's transaction", async () => {
    const workflow = one(() => 1);
    const harness = await start([workflow]);
    const lost = harness.worker.transaction(async (query) => {
      await harness.api.start(workflow, 1, { id: "lost", client: query });
      throw new Error("no");
    });
    await expect(lost).rejects.toThrow("no");
    expect(await harness.api.get("lost")).toBeUndefined();
    await harness.worker.transaction((query) =>
      harness.api.start(workflow, 1, { id: "kept", client: query }),
    );
    expect(await harness.api.result("kept")).toEqual({ a: 1 });
  });

  it("refuses an input that does not fit, an unknown workflow, and an id that is none", async () => {
    const typed = defineWorkflow({
      name: "typed",
      input: z.object({ n: z.number() }),
      steps: (flow) => flow.step({ id: "a", execute: ({ input }) => input.n }),
    });
    const harness = await start([typed]);
    await expect(harness.api.start(typed, { n: "1" } as never)).rejects.toThrow(
      "the input of typed does not match its schema: n: ",
    );
    await expect(
      harness.api.start(
        one(() => 1),
        1,
      ),
    ).rejects.toSatisfy(isNotFoundError);
    await expect(harness.api.start(typed, { n: 1 }, { id: "" })).rejects.toThrow(
      "it is a text of 1 to 200 characters",
    );
    expect(await harness.api.list()).toEqual([]);
  });

  it("has labels and a priority on every job of the run", async () => {
    const seen: unknown[] = [];
    const workflow = defineWorkflow({
      name: "labelled",
      steps: ["a", "b"].map((id) => ({
        id,
        execute: ({ job }: StepContext) =>
          void seen.push([Object.keys(job.flags ?? {}), job.priority]),
      })),
    });
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, 1, {
      labels: { tenant: "acme" },
      priority: 7,
    });
    await harness.api.result(id);
    expect(seen).toEqual([
      [["tenant=acme"], 7],
      [["tenant=acme"], 7],
    ]);
  });
});

describe("a step", () => {
  it.each<[string, () => unknown, string]>([
    ["no JSON", () => new Map(), "got a Map"],
    ["too large", () => "x".repeat(20_000_000), "20000002 bytes as JSON"],
  ])("whose result is %s fails at once, and is undone: it ran", async (_, execute, message) => {
    const undone: unknown[] = [];
    const workflow = one(execute, {
      compensate: ({ result }: { result: unknown }) => void undone.push(result),
    });
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, 1);
    await reach(harness.api, id, "compensated");
    expect((await harness.api.get(id))?.failure).toContain(message);
    expect(undone).toEqual([undefined]);
    expect((await harness.api.history(id)).filter(({ kind }) => kind === "execute")).toHaveLength(
      1,
    );
  });

  it("that reads a result on which it does not depend fails at once, and says what to do", async () => {
    const workflow = defineWorkflow({
      name: "undeclared",
      steps: [
        { id: "a", execute: () => 1 },
        { id: "b", execute: () => 2 },
        { id: "c", execute: ({ results }) => results.a },
      ],
    });
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, 1);
    await reach(harness.api, id, "failed");
    expect((await harness.api.get(id))?.failure).toBe(
      'step c: step "c" reads the result of "a", on which it does not depend: add it to dependsOn',
    );
  });

  it("that is transactional writes once, and nothing when it fails", async () => {
    let tries = 0;
    const workflow = one(
      async ({ query, attempt }) => {
        await query("insert into written values ($1)", [attempt]);
        tries += 1;
        if (tries < 3) throw new Error("not yet");
        return attempt;
      },
      { transactional: true },
    );
    const harness = await start([workflow]);
    await harness.sql("create table written (attempt int)");
    const { id } = await harness.api.start(workflow, 1);
    expect(await harness.api.result(id)).toEqual({ a: 3 });
    expect(await harness.sql("select * from written")).toEqual([{ attempt: 3 }]);
  });

  it("that is transactional and outlives its timeout writes nothing more", async () => {
    const late = Promise.withResolvers<void>();
    const told = Promise.withResolvers<unknown>();
    const workflow = one(
      async ({ query }) => {
        await late.promise;
        await query("insert into written values (1)").catch(told.resolve);
      },
      { transactional: true, timeout: 30, retry: { maxAttempts: 1 } },
    );
    const harness = await start([workflow]);
    await harness.sql("create table written (attempt int)");
    const { id } = await harness.api.start(workflow, 1);
    await reach(harness.api, id, "failed");
    late.resolve();
    expect(await told.promise).toMatchObject({ message: "the transaction of the step has ended" });
    expect(await harness.sql("select * from written")).toEqual([]);
  });

  it("waits for its next attempt as its retry says", async () => {
    const times: number[] = [];
    const workflow = one(
      () => {
        times.push(Date.now());
        if (times.length < 3) throw new Error("not yet");
      },
      { retry: { maxAttempts: 3, backoff: (attempt: number) => attempt * 100 } },
    );
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, 1);
    await harness.api.result(id);
    const [a = 0, b = 0, c = 0] = times;
    expect(b - a).toBeGreaterThanOrEqual(90);
    expect(c - b).toBeGreaterThanOrEqual(190);
    expect(c - b).toBeLessThan(2_000);
  });

  it("that another plugin fails before it begins has its run fail, and is not undone", async () => {
    const undone: string[] = [];
    const guard = definePlugin({
      name: "guard",
      producers: "enforced-at-run",
      setup: () => ({
        beforeRun: {
          phase: "gate",
          onError: "open",
          appliesTo: ({ identifier }) => identifier === "saga:one/a",
          run: () => fail({ code: "NO", message: "not today" }),
        },
      }),
    }) as AnyPlugin;
    const workflow = one(() => 1, { compensate: () => void undone.push("a") });
    const harness = await start([workflow], { plugins: [guard] });
    const { id } = await harness.api.start(workflow, 1);
    await reach(harness.api, id, "failed");
    expect((await harness.api.get(id))?.failure).toContain("not today");
    expect(undone).toEqual([]);
    await harness.drain();
    expect(await harness.worker.engine.ids({})).toEqual([]);
  });

  it("whose job a plugin does not let in fails its run, which compensates", async () => {
    const undone: string[] = [];
    const guard = definePlugin({
      name: "guard",
      producers: "not-covered",
      setup: () => ({
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          run: ({ spec }) => {
            if (spec.identifier === "saga:two/b") throw new Error("full");
          },
        },
      }),
    }) as AnyPlugin;
    const two = defineWorkflow({
      name: "two",
      steps: [
        { id: "a", execute: () => 1, compensate: () => void undone.push("a") },
        { id: "b", execute: () => 2 },
      ],
    });
    const harness = await start([two], { plugins: [guard] });
    const { id } = await harness.api.start(two, 1);
    await reach(harness.api, id, "compensated");
    expect((await harness.api.get(id))?.failure).toContain("full");
    expect(undone).toEqual(["a"]);
    await prove(harness);
  });
});

describe("a run of another definition", () => {
  it("is left alone, with a reason, until a worker comes that has it", async () => {
    const old = one(() => "old", { compensate: () => {} });
    const harness = await start([old], { start: false });
    await harness.worker.migrate();
    const { id } = await harness.client.plugins.saga.start(old, 1);
    const newer = await start([one(() => "new")], { database: harness.database });
    const [job] = await newer.worker.engine.ids({});
    await expect
      .poll(async () => (await newer.worker.explain(job as string)).note?.code, { timeout: 5_000 })
      .toBe("OTHER_DEFINITION");
    expect((await newer.worker.explain(job as string)).plugins).toMatchObject([
      { plugin: "saga", code: "OTHER_DEFINITION", blocking: true },
    ]);
    // Both run on: the one that has it finds the job, although the other one could be faster.
    const both = await start([one(() => "new"), old], { database: harness.database });
    expect(await both.api.result(id)).toEqual({ a: "old" });
    const next = await both.api.start(
      one(() => "new"),
      1,
    );
    expect(await both.api.result(next.id)).toEqual({ a: "new" });
  });
});

describe("what is told", () => {
  it("is every transition, once it is committed, whatever a listener throws", async () => {
    const told: string[] = [];
    const workflow = defineWorkflow({
      name: "told",
      steps: [
        { id: "a", execute: () => 1, compensate: () => {} },
        {
          id: "b",
          retry: { maxAttempts: 1 },
          execute: () => {
            throw new Error("boom");
          },
        },
      ],
    });
    const meter = recordingMeter();
    const harness = await start([workflow], { plugins: [meter.plugin] });
    harness.worker.events.on("saga:run", ({ from, to }) => {
      told.push(`${from ?? "-"} → ${to}`);
      throw new Error("a listener's own");
    });
    harness.worker.events.on(
      "saga:step",
      ({ step, from, to }) => void told.push(`${step}: ${from} → ${to}`),
    );
    const { id } = await harness.api.start(workflow, 1);
    await reach(harness.api, id, "compensated");
    await vi.waitUntil(() => told.includes("compensating → compensated"));
    expect(told).toEqual([
      "- → pending",
      "pending → running",
      "a: running → succeeded",
      "b: running → failed",
      "running → compensating",
      "a: undo_running → compensated",
      "compensating → compensated",
    ]);
    expect(meter.value("workflow_steps_total{outcome=succeeded,step=a,workflow=told}")).toBe(1);
    expect(meter.value("workflow_steps_total{outcome=failed,step=b,workflow=told}")).toBe(1);
    expect(meter.value("workflow_compensation_total{outcome=succeeded,step=a,workflow=told}")).toBe(
      1,
    );
  });

  it("counts runs that are not over", async () => {
    const meter = recordingMeter();
    const workflow = defineWorkflow({ name: "held", steps: [{ id: "go", kind: "signal" }] });
    const harness = await start([workflow], {
      plugins: [meter.plugin],
      saga: { sampleInterval: 0 },
    });
    const { id } = await harness.api.start(workflow, 1);
    await expect.poll(async () => (await stepStates(harness.api, id))["go"]).toBe("waiting");
    expect(await meter.scrape("workflow_active")).toEqual({
      "workflow_active{state=running,workflow=held}": 1,
    });
  });

  it("is nothing in time for a result that does not come", async () => {
    const workflow = defineWorkflow({ name: "held", steps: [{ id: "go", kind: "signal" }] });
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, 1);
    await expect(harness.api.result(id, { timeout: 50 })).rejects.toSatisfy(isSagaTimeoutError);
    await expect(harness.api.result("nobody")).rejects.toSatisfy(isNotFoundError);
    await expect(harness.api.signal(id, "go", () => 1)).rejects.toSatisfy(isInvalidValueError);
  });
});
