import { createFakeClock } from "@oppulence/worker-testing";
import { expect, it } from "vitest";
import { defineWorkflow, type StepShape } from "../src/index.ts";
import type { Begun } from "../src/postgres-store.ts";
import { StepRunner } from "../src/step-runner.ts";

const DAY_MS = 86_400_000;

it.each<[string, StepShape]>([
  ["waits for a signal", { id: "a", kind: "signal" }],
  ["sleeps", { id: "a", kind: "sleep", for: "1h" }],
  ["is skipped", { id: "a", when: () => false, execute: () => 1 }],
  ["returns", { id: "a", timeout: "1h", execute: () => 1 }],
  ["throws", { id: "a", timeout: "1h", execute: () => Promise.reject(new Error("no")) }],
])("a step of a run with a deadline that %s leaves no timer behind", async (_, step) => {
  const clock = createFakeClock();
  const workflow = defineWorkflow({ name: "w", deadline: "1d", steps: [step] });
  const begun = {
    verdict: "go",
    attempt: 1,
    tries: 1,
    epoch: 0,
    id: "r",
    phase: "forward",
    results: null,
    deadline_ms: DAY_MS,
  } as unknown as Begun;
  const runner = new StepRunner({
    host: { clock },
    recorder: {
      begin: async () => begun,
      settleClaimed: async () => true,
    },
    maxBytes: 1_000,
    graceMs: 1_000,
  } as never);
  const job = { id: "1", locked_by: "pool", job_queue_id: null };
  const payload = { run: "1", id: "r", hash: workflow.hash };
  await runner.run(payload, { job } as never, "a", () => workflow).catch(() => {});
  expect(clock.pending).toBe(0);
});
