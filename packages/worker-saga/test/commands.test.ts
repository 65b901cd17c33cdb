import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { defineWorkflow } from "../src/index.ts";
import { reach, start, stepStates } from "./start.ts";

let fail = true;
const order = defineWorkflow({
  name: "order",
  steps: (flow) =>
    flow
      .step({ id: "reserve", metadata: { team: "stock" }, execute: () => 1, compensate: () => {} })
      .waitForSignal({ id: "paid" })
      .step({
        id: "ship",
        retry: { maxAttempts: 1 },
        execute: () => {
          if (fail) throw new Error("no lorry");
        },
      }),
});

describe("workflow", () => {
  it("starts, lists, shows, signals, redrives and cancels runs", async () => {
    fail = true;
    const harness = await start([order]);
    const cli = commandLine(harness.worker);
    await cli.run("workflow start", {
      args: { workflow: "order" },
      options: { id: "r", input: '{"sku":1}' },
    });
    expect(cli.printed).toEqual(['{"id":"r","started":true}']);
    await expect.poll(async () => (await stepStates(harness.api, "r"))["paid"]).toBe("waiting");
    expect(
      await cli.run("workflow list", { options: { state: "running", workflow: "order" } }),
    ).toBe(0);
    expect(cli.printed[0]).toMatch(/^r order running /);
    expect(await cli.run("workflow list", { options: { state: "failed" } })).toBe(3);
    await cli.run("workflow signal", {
      args: { id: "r", name: "paid" },
      options: { payload: "7" },
    });
    expect(cli.printed).toEqual(['{"status":"delivered"}']);
    await reach(harness.api, "r", "compensated");
    await cli.run("workflow show", { args: { id: "r" }, options: { history: true }, json: true });
    expect(JSON.parse(cli.printed[0] as string)).toMatchObject({
      id: "r",
      failure: "step ship: no lorry",
      steps: [
        { id: "reserve", state: "compensated", metadata: { team: "stock" } },
        {},
        { error: "no lorry" },
      ],
    });
    expect(await cli.run("workflow show", { args: { id: "nobody" } })).toBe(3);
    await cli.run("workflow redrive", { args: { id: "r" }, options: { dryRun: true } });
    expect(cli.printed).toEqual([
      "reserve run compensated it is compensated",
      "paid keep succeeded it is succeeded",
      "ship run failed it failed",
    ]);
    fail = false;
    await cli.run("workflow redrive", { args: { id: "r" }, options: { mode: "failed" } });
    await reach(harness.api, "r", "succeeded");
    await harness.api.start(order, 1, { id: "s" });
    await cli.run("workflow cancel", { args: { id: "s" }, options: { reason: "enough" } });
    await reach(harness.api, "s", "cancelled");
    expect(cli.asked).toEqual(["Redrive run r?", "Cancel run s?"]);
    await expect(cli.run("workflow resume", { args: { id: "s" } })).rejects.toThrow(
      "only one whose compensation failed",
    );
    await expect(cli.run("workflow skip", { args: { id: "s", step: "ship" } })).rejects.toThrow(
      "only failed compensations are skipped",
    );
  });

  it("draws the graph of a run, coloured by state", async () => {
    fail = true;
    const harness = await start([order]);
    await harness.api.start(order, null, { id: "r" });
    await harness.api.signal("r", "paid");
    await reach(harness.api, "r", "compensated");
    const cli = commandLine(harness.worker);
    await cli.run("workflow graph", { args: { id: "r" } });
    expect(cli.printed[0]).toBe(`flowchart TD
  s0["reserve<br/>compensated"]
  s1["paid<br/>signal, succeeded"]
  s2["ship<br/>failed"]
  s0 --> s1
  s1 --> s2
  classDef done fill:#c8e6c9,stroke:#555555,color:#222222
  class s1 done
  classDef failed fill:#ffcdd2,stroke:#555555,color:#222222
  class s2 failed
  classDef undone fill:#ffe0b2,stroke:#555555,color:#222222
  class s0 undone`);
    await cli.run("workflow graph", { args: { id: "r" }, options: { format: "dot" } });
    expect(cli.printed[0]).toContain(
      '  "reserve" [label="reserve\\ncompensated", fillcolor="#ffe0b2"];',
    );
    expect(await harness.api.graph(order, "dot")).toContain('"reserve" -> "paid";');
    await expect(
      cli.run("workflow graph", { args: { id: "r" }, options: { format: "png" } }),
    ).rejects.toThrow('got "png"; it is one of mermaid, dot');
  });
});
