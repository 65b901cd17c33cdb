import { recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import type { Transition } from "../src/index.ts";
import { start } from "./start.ts";

/** A circuit that opened, refused a call and was closed by a probe. */
async function lived(onTransition: (transition: Transition) => void) {
  const meter = recordingMeter();
  const started = await start([], {
    breaker: {
      dependencies: { crm: { failureThreshold: 1, resetTimeout: "100ms" } },
      onTransition,
    },
    plugins: [meter.plugin],
  });
  const { api, worker } = started;
  const heard: string[] = [];
  worker.events.on("circuit:changed", ({ from, to }) => heard.push(`${from} ${to}`));
  await expect(api.run("crm", () => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
  await expect(api.run("crm", () => 1)).rejects.toThrow("is open");
  await vi.waitUntil(async () => (await api.run("crm", () => 1).catch(() => 0)) === 1);
  return { ...started, meter, heard };
}

describe("metrics and events", () => {
  it("tell states, transitions, probes and refusals", async () => {
    const { meter } = await lived(() => {});
    expect(meter.value("circuit_state{dependency=crm,state=closed}")).toBe(1);
    expect(meter.value("circuit_state{dependency=crm,state=open}")).toBe(0);
    expect(await meter.scrape("circuit_transitions_total")).toEqual({
      "circuit_transitions_total{dependency=crm,from=closed,to=open}": 1,
      "circuit_transitions_total{dependency=crm,from=half-open,to=closed}": 1,
      "circuit_transitions_total{dependency=crm,from=open,to=half-open}": 1,
    });
    expect(await meter.scrape("circuit_half_open_trials_total")).toEqual({
      "circuit_half_open_trials_total{dependency=crm,outcome=succeeded}": 1,
    });
    expect(meter.value("circuit_rejected_total{dependency=crm}")).toBeGreaterThanOrEqual(1);
  });

  it("reach a listener, whose errors are logged and counted, and stop nothing", async () => {
    const told: string[] = [];
    const { meter, heard, logs } = await lived(({ from, to }) => {
      told.push(`${from} ${to}`);
      throw new Error("no alert");
    });
    expect(told).toEqual(["closed open", "open half-open", "half-open closed"]);
    expect(heard).toEqual(told);
    await vi.waitUntil(() => meter.value("circuit_errors_total{what=listener}") === 3);
    expect(logs.some(({ message }) => message.includes("onTransition failed: no alert"))).toBe(
      true,
    );
  });

  it("count what isFailure throws; the error is a failure then", async () => {
    const meter = recordingMeter();
    const isFailure = () => {
      throw new Error("a bug");
    };
    const { api } = await start([], {
      breaker: { dependencies: { crm: { failureThreshold: 1, isFailure } } },
      plugins: [meter.plugin],
    });
    expect(await api.run("crm", () => 1)).toBe(1);
    await expect(api.run("crm", () => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
    expect(api.state("crm").state).toBe("open");
    expect(meter.value("circuit_errors_total{what=is-failure}")).toBe(2);
  });
});
