import { describe, expect, it } from "vitest";
import {
  defineTask,
  type Meter,
  type MeterBackend,
  noopMeter,
  proceed,
  type RunDecision,
} from "../src/index.ts";
import { createMeter } from "../src/meter.ts";
import { gate, plugin } from "./support/plugins.ts";
import { testWorker, until } from "./support/worker.ts";

/** A backend that keeps what it is told: `name{labels} value`. */
function recordingBackend() {
  const seen: [name: string, value: number, labels: unknown][] = [];
  const record =
    (name: string) =>
    (value: number, labels: unknown = {}) =>
      void seen.push([name, value, labels]);
  const backend: MeterBackend = {
    counter: ({ name }) => ({ add: record(name) }),
    gauge: ({ name }) => ({ set: record(name), reset: () => {} }),
    histogram: ({ name }) => ({ record: record(name) }),
  };
  const of = (name: string) => seen.filter(([one]) => one === name);
  return { backend, of };
}

const task = defineTask({ identifier: "t", run: () => {} });

describe("the meter", () => {
  it("does nothing without a backend, and says so", () => {
    expect(createMeter(undefined)).toBe(noopMeter);
    expect(noopMeter.enabled).toBe(false);
    noopMeter.counter({ name: "a", help: "" }).add(1);
    noopMeter.gauge({ name: "b", help: "" }).set(1);
    noopMeter.gauge({ name: "b", help: "" }).reset();
    noopMeter.histogram({ name: "c", help: "" }).record(1);
  });

  it("hands definitions and values to its backend", () => {
    const { backend, of } = recordingBackend();
    const meter = createMeter(backend);
    expect(meter.enabled).toBe(true);
    meter.counter({ name: "a", help: "", labels: ["x"] }).add(2, { x: "1" });
    meter.gauge({ name: "b", help: "" }).set(3);
    meter.histogram({ name: "c", help: "", buckets: [1] }).record(4);
    expect([...of("a"), ...of("b"), ...of("c")]).toEqual([
      ["a", 2, { x: "1" }],
      ["b", 3, {}],
      ["c", 4, {}],
    ]);
  });

  it("is every plugin's, whichever plugin brings the backend", async () => {
    const { backend, of } = recordingBackend();
    const meters: Meter[] = [];
    const keep = (name: string, more: object = {}) =>
      plugin(
        name,
        ({ meter }) => {
          meters.push(meter);
          return {};
        },
        more,
      );
    await testWorker({
      tasks: [task],
      plugins: [keep("first"), keep("metrics", { meter: backend })],
    });
    expect(meters).toHaveLength(2);
    for (const meter of meters) meter.counter({ name: "mine", help: "" }).add(1);
    expect(of("mine")).toHaveLength(2);
  });

  it("counts what plugins do wrong and times their hooks, by plugin and hook", async () => {
    const { backend, of } = recordingBackend();
    const thenable = (decision: RunDecision) => ({
      // biome-ignore lint/suspicious/noThenProperty: promises of other libraries have little more
      then: (resolve: (value: RunDecision) => void) => resolve(decision),
    });
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("metrics", {}, { meter: backend }),
        plugin("thenable", { beforeRun: gate(() => thenable(proceed()) as never) }),
        plugin("broken", {
          beforeRun: gate(() => {
            throw new Error("broken");
          }),
          afterRun: { run: () => Promise.reject(new Error("broken")) },
        }),
        plugin("permit", {
          beforeRun: gate(() =>
            proceed({
              permit: {
                commit: () => {
                  throw new Error("broken");
                },
                rollback: () => {},
              },
              around: () => "forgot",
            }),
          ),
        }),
      ],
    });
    await worker.addJob(task, {});
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(of("worker_plugin_errors_total").map(([, value, labels]) => [value, labels])).toEqual([
      [1, { plugin: "broken", hook: "beforeRun" }],
      [1, { plugin: "permit", hook: "around" }],
      [1, { plugin: "broken", hook: "afterRun" }],
      [1, { plugin: "permit", hook: "permit" }],
    ]);
    const durations = of("worker_plugin_hook_duration_seconds");
    expect(durations.map(([, , labels]) => labels)).toEqual(
      expect.arrayContaining([
        { plugin: "thenable", hook: "beforeRun" },
        { plugin: "broken", hook: "beforeRun" },
        { plugin: "permit", hook: "beforeRun" },
        { plugin: "broken", hook: "afterRun" },
      ]),
    );
    expect(durations).toHaveLength(4);
    for (const [, seconds] of durations) expect(seconds).toBeLessThan(5);
  });
});
