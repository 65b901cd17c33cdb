import { defineTask } from "@oppulence/worker-core";
import { createHarness, startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { retries } from "../src/index.ts";
import { gate } from "./start-worker.ts";

describe("retries while PostgreSQL is down", () => {
  it("goes on by itself: failures wait to be written, and cancelling works again afterwards", async () => {
    const server = await startPostgres({ url: false });
    onTestFinished(() => server.stop());
    const [started, failing, again] = [gate(), gate(), gate()];
    const fails = defineTask({
      identifier: "fails",
      retry: { backoff: ["1h"] },
      run: async () => {
        started.open();
        await failing.opened;
        throw new Error("boom");
      },
    });
    const waits = defineTask({
      identifier: "waits",
      run: async (_, { signal }) => {
        again.open();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        throw signal.reason;
      },
    });
    const harness = await createHarness({
      databases: server,
      tasks: [fails, waits],
      plugins: [retries()],
      timeout: "20s",
    });
    onTestFinished(() => harness.stop());
    const { worker, enqueue, waitFor, logs } = harness;
    const failed = await enqueue(fails, {});
    await started.opened;
    await server.restart({
      whileDown: async () => {
        failing.open();
        await vi.waitUntil(async () => {
          const { parts } = await worker.health();
          return parts["retry"]?.detail === "cannot hear of cancelled jobs";
        });
      },
    });
    const { job } = await waitFor(failed, "retrying");
    expect(job).toMatchObject({ attempts: 1, last_error: "boom" });
    await vi.waitUntil(
      () => logs.some(({ message }) => message === "hears of cancelled jobs again"),
      { timeout: 20_000 },
    );
    const { id } = (await enqueue(waits, {})) as { id: string };
    await again.opened;
    expect(await worker.plugins.retry.cancel(id)).toEqual([id]);
    await waitFor(id, "failed");
  });
});
