import { createClient, defineTask } from "@oppulence/worker-core";
import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { circuitBreaker } from "../src/index.ts";
import { start } from "./start.ts";

const dependencies = { smtp: {}, crm: {} };

/** A worker, and the commands of a client beside it. */
async function started() {
  const harness = await start([defineTask({ identifier: "work", run: () => {} })], {
    breaker: { dependencies },
  });
  const client = createClient({
    connectionString: harness.database.url,
    plugins: [circuitBreaker({ dependencies })],
  });
  onTestFinished(() => client.stop());
  await client.start();
  return { ...harness, ...commandLine(client) };
}

const smtp = { args: { dependency: "smtp" } };

describe("breaker commands", () => {
  it("open, close and reset a circuit in every process, with reason and actor", async () => {
    const { run, printed, api } = await started();
    const options = { reason: "maintenance", actor: "ada" };
    expect(await run("breaker open", { ...smtp, options })).toBe(0);
    expect(printed).toEqual(["smtp is forced-open"]);
    await vi.waitUntil(() => api.state("smtp").state === "forced-open");
    await run("breaker close", { ...smtp, options });
    await vi.waitUntil(() => api.state("smtp").state === "forced-closed");
    await run("breaker close", { ...smtp, options: { ...options, metricsOnly: true } });
    await vi.waitUntil(() => api.state("smtp").state === "metrics-only");
    await run("breaker reset", { ...smtp, options: { actor: "bob" } });
    await vi.waitUntil(() => api.state("smtp").state === "closed");
    const history = await api.history({ dependency: "smtp" });
    expect(history.map(({ to, reason, actor }) => [to, reason, actor])).toEqual([
      ["closed", undefined, "bob"],
      ["metrics-only", "maintenance", "ada"],
      ["forced-closed", "maintenance", "ada"],
      ["forced-open", "maintenance", "ada"],
    ]);
  });

  it("list and show", async () => {
    const { run, printed } = await started();
    await run("breaker open", { ...smtp, options: { reason: "maintenance" } });
    expect(await run("breaker list")).toBe(0);
    expect(printed[0]).toMatch(/^smtp forced-open /);
    expect(printed[1]).toMatch(/^crm closed /);
    await run("breaker show", smtp);
    expect(printed[0]).toContain('"reason":"maintenance"');
    expect(printed[1]).toMatch(/ closed forced-open maintenance /);
    await run("breaker show", { ...smtp, json: true });
    expect(JSON.parse(printed[0] ?? "").transitions).toHaveLength(1);
    await run("breaker reset", { ...smtp, json: true });
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({ dependency: "smtp", state: "closed" });
  });

  it("refuse what is wrong", async () => {
    const { run } = await started();
    await expect(run("breaker open", smtp)).rejects.toThrow("--reason");
    const unknown = { args: { dependency: "smpt" } };
    await expect(run("breaker show", unknown)).rejects.toThrow('did you mean "smtp"?');
    await expect(run("breaker reset", unknown)).rejects.toThrow("no dependency");
    await expect(run("breaker show", { ...smtp, options: { limit: "0" } })).rejects.toThrow(
      "--limit",
    );
  });
});
