import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { defineWorkflow, isInvalidWorkflowError, isNotFoundError } from "../src/index.ts";
import { start } from "./start.ts";

function recorded() {
  const ran: string[] = [];
  const work = defineTask({
    identifier: "work",
    run: (payload) => {
      const { name, fails } = payload as { name: string; fails?: boolean };
      ran.push(name);
      if (fails === true) throw new Error("boom");
    },
  });
  return { ran, work };
}

describe("a job that waits", () => {
  it("runs after the jobs that it depends on, and is parked until then", async () => {
    const { ran, work } = recorded();
    const harness = await start([], { tasks: [work], start: false });
    await harness.worker.migrate();
    const api = harness.client.plugins.saga;
    const a = await api.addJob(work, { name: "a" });
    const b = await api.addJob(work, { name: "b" });
    const c = await api.addJob(work, { name: "c" }, { dependencies: [a.id, b.id] });
    expect((await harness.client.engine.get(c.id))?.job.run_at.getUTCFullYear()).toBe(9999);
    await harness.worker.start();
    await expect.poll(() => ran.length, { timeout: 5_000 }).toBe(3);
    expect(ran[2]).toBe("c");
    await harness.drain();
    const late = await api.addJob(work, { name: "late" }, { dependencies: [c.id] });
    await harness.waitFor(late.id, "gone");
    expect(ran[3]).toBe("late");
  });

  it.each(["fail", "cancel", "ignore"] as const)(
    "does what %s says when one fails, and so do those that wait for it",
    async (policy) => {
      const { ran, work } = recorded();
      const harness = await start([], { tasks: [work] });
      const ids = await harness.api.addJobs([
        {
          name: "last",
          task: work,
          payload: { name: "last" },
          dependencies: ["middle"],
          onDependencyFailure: policy,
        },
        {
          name: "middle",
          task: work,
          payload: { name: "middle" },
          dependencies: ["first"],
          onDependencyFailure: policy,
        },
        { name: "first", task: work, payload: { name: "first", fails: true }, maxAttempts: 1 },
      ]);
      const state = async (name: string) =>
        (await harness.worker.engine.get(ids[name] as string))?.state;
      const want = policy === "fail" ? "failed" : undefined;
      await expect.poll(() => state("last"), { timeout: 5_000 }).toBe(want);
      expect(await state("middle")).toBe(want);
      expect(ran).toEqual(policy === "ignore" ? ["first", "middle", "last"] : ["first"]);
      await harness.waitFor(ids["first"] as string, "failed");
    },
  );

  it("waits for a step, and for a run", async () => {
    const { ran, work } = recorded();
    const flow = defineWorkflow({
      name: "flow",
      steps: (steps) => steps.step({ id: "a", execute: () => 1 }).waitForSignal({ id: "go" }),
    });
    const harness = await start([flow], { tasks: [work] });
    await harness.api.start(flow, null, { id: "r" });
    await harness.api.addJob(work, { name: "whole" }, { dependencies: [{ id: "r" }] });
    await harness.api.addJob(work, { name: "step" }, { dependencies: [{ id: "r", step: "a" }] });
    await expect.poll(() => ran, { timeout: 5_000 }).toEqual(["step"]);
    await harness.api.signal("r", "go");
    await expect.poll(() => ran, { timeout: 5_000 }).toEqual(["step", "whole"]);
  });

  it("is refused in a circle, and for what nothing can wait for", async () => {
    const { work } = recorded();
    const harness = await start([], { tasks: [work] });
    const circle = harness.api.addJobs([
      { name: "a", task: work, payload: {}, dependencies: ["b"] },
      { name: "b", task: work, payload: {}, dependencies: ["a"] },
    ]);
    await expect(circle).rejects.toThrow("in a circle: a → b → a");
    await expect(circle).rejects.toSatisfy(isInvalidWorkflowError);
    const plain = await harness.enqueue(work, { name: "plain" });
    await expect(
      harness.api.addJob(work, {}, { dependencies: [(plain as { id: string }).id] }),
    ).rejects.toSatisfy(isNotFoundError);
    await expect(
      harness.api.addJob(work, {}, { dependencies: [{ id: "nobody" }] }),
    ).rejects.toThrow('no run has the id "nobody"');
  });

  it("is refused where its key is that of another, which goes on", async () => {
    const { ran, work } = recorded();
    const harness = await start([], { tasks: [work], start: false });
    await harness.worker.migrate();
    const api = harness.client.plugins.saga;
    const first = await api.addJob(work, { name: "first" }, { jobKey: "k" });
    const second = api.addJob(work, { name: "second" }, { jobKey: "k", dependencies: [first.id] });
    await expect(second).rejects.toSatisfy(isInvalidWorkflowError);
    await expect(second).rejects.toThrow(`the job key "k" is that of job ${first.id}`);
    await harness.worker.start();
    await harness.drain();
    expect(ran).toEqual(["first"]);
  });

  it("does not wait for ever for one that was removed", async () => {
    const { work } = recorded();
    const harness = await start([], { tasks: [work], saga: { reconcileInterval: "50ms" } });
    const first = await harness.api.addJob(work, {}, { runAt: new Date(Date.now() + 3_600_000) });
    const second = await harness.api.addJob(
      work,
      {},
      { dependencies: [first.id], onDependencyFailure: "cancel" },
    );
    await harness.sql(
      "update oppulence_worker.saga_gates set created_at = now() - interval '1 minute'",
    );
    await harness.worker.engine.remove([first.id]);
    await harness.waitFor(second.id, "gone");
  });
});
