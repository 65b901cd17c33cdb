import { describe, expect, it } from "vitest";
import { CONTRACT_VERSION, createWorker, definePlugin, defineTask } from "../src/index.ts";
import { NOWHERE } from "./support/configuration.ts";

describe("definePlugin", () => {
  const quiet = () => definePlugin({ name: "quiet", producers: "not-covered", setup: () => ({}) });

  it("makes a frozen, branded value that says which contract it speaks", () => {
    const made = quiet();
    expect(made).toMatchObject({
      name: "quiet",
      producers: "not-covered",
      contract: CONTRACT_VERSION,
    });
    expect(Object.isFrozen(made)).toBe(true);
    expect((made as never)[Symbol.for("@oppulence/worker:brand")]).toBe("plugin");
  });

  it("sets nothing up by itself, and once for each worker that has it", () => {
    let setups = 0;
    const counted = definePlugin({
      name: "counted",
      producers: "not-covered",
      setup: () => ({ api: ++setups }),
    });
    expect(setups).toBe(0);
    const make = () =>
      createWorker({
        connectionString: NOWHERE,
        config: false,
        tasks: [defineTask({ identifier: "t", run: () => {} })],
        plugins: [counted],
      });
    expect([make().plugins.counted, make().plugins.counted]).toEqual([1, 2]);
  });

  it("lets plugins reach one another's API by name, once all are set up", () => {
    const first = definePlugin({
      name: "first",
      producers: "not-covered",
      setup: ({ plugin }) => ({ api: { ask: () => plugin("second" as never) } }),
    });
    const second = definePlugin({
      name: "second",
      producers: "not-covered",
      setup: () => ({ api: "second's" }),
    });
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [first, second],
    });
    expect(worker.plugins.first.ask()).toBe("second's");
  });

  it("shows plugins every task, plain ones too, once all are set up", () => {
    const listing = definePlugin({
      name: "listing",
      producers: "not-covered",
      setup: ({ tasks }) => ({
        api: () => [...tasks.values()].map(({ identifier, spec }) => [identifier, spec]),
        tasks: [defineTask({ identifier: "own", run: () => {} })],
      }),
    });
    const worker = createWorker({
      connectionString: NOWHERE,
      config: false,
      tasks: [defineTask({ identifier: "t", spec: { priority: 3 }, run: () => {} })],
      taskList: { plain: () => {} },
      plugins: [listing],
    });
    expect(worker.plugins.listing()).toEqual([
      ["t", { priority: 3 }],
      ["own", undefined],
      ["plain", undefined],
    ]);
  });
});
