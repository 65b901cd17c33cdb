import * as prom from "prom-client";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { backendOf, PromBackend } from "../src/backend.ts";
import { isInvalidMetricError } from "../src/errors.ts";
import { parseExposition, readValue } from "./exposition.ts";

const make = () => {
  const registry = new Registry();
  const warnings: string[] = [];
  const backend = new PromBackend(registry);
  backend.configure({ maxSeries: 3, warn: (message) => void warnings.push(message) });
  return { registry, backend, warnings, text: () => registry.metrics() };
};

const thrownBy = (body: () => unknown): unknown => {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("PromBackend", () => {
  it("writes counters, gauges and histograms that Prometheus can read", async () => {
    const { backend, text } = make();
    backend
      .counter({ name: "c_total", help: "counts", labels: ["a"] })
      .add(2, { a: 'quote " back \\ line \n end' });
    backend.gauge({ name: "g", help: "a\nb\\c" }).set(-1.5);
    const histogram = backend.histogram({
      name: "h_seconds",
      help: "takes",
      labels: ["a"],
      buckets: [1, 2],
    });
    for (const value of [0.5, 1, 1.5, 9]) histogram.record(value, { a: "x" });
    const families = parseExposition(await text());
    expect(families.get("c_total")?.lines).toEqual([
      { name: "c_total", labels: { a: 'quote " back \\ line \n end' }, value: 2 },
    ]);
    expect(families.get("g")).toMatchObject({
      type: "gauge",
      help: "a\\nb\\\\c",
      lines: [{ value: -1.5 }],
    });
    expect(families.get("h_seconds")?.lines).toEqual([
      { name: "h_seconds_bucket", labels: { le: "1", a: "x" }, value: 2 },
      { name: "h_seconds_bucket", labels: { le: "2", a: "x" }, value: 3 },
      { name: "h_seconds_bucket", labels: { le: "+Inf", a: "x" }, value: 4 },
      { name: "h_seconds_sum", labels: { a: "x" }, value: 12 },
      { name: "h_seconds_count", labels: { a: "x" }, value: 4 },
    ]);
  });

  it("gives the same readings as prom-client's own classes", async () => {
    const { backend, registry } = make();
    const theirs = new Registry();
    const buckets = [0.01, 0.1, 1];
    const own = backend.histogram({ name: "h", help: "h", labels: ["a"], buckets });
    const other = new prom.Histogram({
      name: "h",
      help: "h",
      labelNames: ["a"],
      buckets,
      registers: [theirs],
    });
    const counter = backend.counter({ name: "c", help: "c", labels: ["a"] });
    const otherCounter = new prom.Counter({
      name: "c",
      help: "c",
      labelNames: ["a"],
      registers: [theirs],
    });
    for (const value of [0, 0.01, 0.010001, 0.1, 0.5, 1, 1.0001, 50, -3]) {
      const a = value > 0.05 ? "big" : "small";
      own.record(value, { a });
      other.observe({ a }, value);
      counter.add(Math.abs(value), { a });
      otherCounter.inc({ a }, Math.abs(value));
    }
    const lines = async (from: Registry, name: string) =>
      parseExposition(`${await from.getSingleMetricAsString(name)}\n`).get(name);
    expect(await lines(registry, "h")).toEqual(await lines(theirs, "h"));
    expect(await lines(registry, "c")).toEqual(await lines(theirs, "c"));
  });

  it("works with the rest of prom-client: default labels, JSON, merge, OpenMetrics, resetMetrics", async () => {
    const { backend, registry, text } = make();
    const counter = backend.counter({ name: "c_total", help: "c", labels: ["a"] });
    counter.add(1, { a: "x" });
    backend.histogram({ name: "h", help: "h", buckets: [1] }).record(0.5);
    registry.setDefaultLabels({ app: "shop" });
    expect(readValue(await text(), "c_total", { a: "x", app: "shop" })).toBe(1);
    expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).toContain("h");
    expect(readValue(await Registry.merge([registry, new Registry()]).metrics(), "h_count")).toBe(
      1,
    );
    registry.resetMetrics();
    expect(readValue(await text(), "c_total", { a: "x", app: "shop" })).toBe(0);
    counter.cell({ a: "x" }).value += 1;
    expect(readValue(await text(), "c_total", { a: "x", app: "shop" })).toBe(1);
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const open = await text();
    expect(open).toContain("# TYPE c counter\nc_total{");
    expect(open.endsWith("# EOF\n")).toBe(true);
    expect(backend.counter({ name: "c_total", help: "c", labels: ["a"] })).toBe(counter);
  });

  it("comes back into a registry that was cleared", async () => {
    const { backend, registry, text } = make();
    const counter = backend.counter({ name: "c_total", help: "c" });
    registry.clear();
    expect(backend.counter({ name: "c_total", help: "c" })).toBe(counter);
    counter.add(1);
    expect(readValue(await text(), "c_total")).toBe(1);
  });

  it("returns the same instrument for the same definition, and has one backend a registry", () => {
    const { backend, registry } = make();
    const definition = { name: "h", help: "h", labels: ["a"], buckets: [1, 2] };
    expect(backend.histogram(definition)).toBe(
      backend.histogram({ ...definition, buckets: [1, 2] }),
    );
    const fresh = new Registry();
    expect(backendOf(fresh)).toBe(backendOf(fresh));
    expect(backendOf(fresh)).not.toBe(backendOf(new Registry()));
    expect(registry.getSingleMetric("h")).toBeDefined();
  });

  it.each([
    [
      "type",
      () => ({ type: "gauge" as const, definition: {} }),
      'exists already with the type "histogram", got "gauge"',
    ],
    [
      "labels",
      () => ({ type: "histogram" as const, definition: { labels: ["b"] } }),
      'with the labels "a", got "b"',
    ],
    [
      "help",
      () => ({ type: "histogram" as const, definition: { help: "other" } }),
      'with the help "h", got "other"',
    ],
    [
      "buckets",
      () => ({ type: "histogram" as const, definition: { buckets: [1, 3] } }),
      'with the buckets "1, 2", got "1, 3"',
    ],
  ])("refuses the same name with another %s", (_, asked, message) => {
    const { backend } = make();
    const first = { name: "h", help: "h", labels: ["a"], buckets: [1, 2] };
    backend.histogram(first);
    const { type, definition } = asked();
    const error = thrownBy(() => backend[type]({ ...first, ...definition }));
    expect(isInvalidMetricError(error)).toBe(true);
    expect(error).toMatchObject({ metric: "h", message: expect.stringContaining(message) });
  });

  it.each([
    [{ name: "1x", help: "h" }, "does not begin with a digit"],
    [{ name: "x-y", help: "h" }, "letters, digits, underscores"],
    [{ name: "x", help: " " }, "help is missing"],
    [{ name: "x", help: "h", labels: ["a-b"] }, 'got the label "a-b"'],
    [{ name: "x", help: "h", labels: ["__a"] }, 'got the label "__a"'],
    [{ name: "x", help: "h", labels: ["le"] }, 'got the label "le"'],
    [{ name: "x", help: "h", labels: ["a", "a"] }, "a label may occur once"],
    [{ name: "x", help: "h", buckets: [] }, "got the buckets []"],
    [{ name: "x", help: "h", buckets: [2, 1] }, "got the buckets [2, 1]"],
    [{ name: "x", help: "h", buckets: [1, Number.POSITIVE_INFINITY] }, "finite numbers, ascending"],
  ])("refuses the definition %j", (definition, message) => {
    expect(() => make().backend.histogram(definition)).toThrow(message);
  });

  it("refuses a name that somebody else has in the registry", () => {
    const { backend, registry } = make();
    new prom.Counter({ name: "theirs", help: "x", registers: [registry] });
    expect(() => backend.counter({ name: "theirs", help: "x" })).toThrow(
      "is in the registry already",
    );
  });

  it("refuses values that would spoil an instrument", () => {
    const { backend } = make();
    const counter = backend.counter({ name: "c", help: "c" });
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => counter.add(value)).toThrow("a counter grows by a finite number");
    expect(() => backend.histogram({ name: "h", help: "h" }).record(Number.NaN)).toThrow("got NaN");
    expect(() => backend.gauge({ name: "g", help: "g" }).set("1" as unknown as number)).toThrow(
      "set to a number",
    );
  });

  it("bounds label combinations, counts what goes to other and says so once", async () => {
    const { backend, warnings, text } = make();
    const counter = backend.counter({ name: "c_total", help: "c", labels: ["user"] });
    for (let user = 0; user < 10_000; user++) counter.add(1, { user });
    const lines = parseExposition(await text());
    expect(lines.get("c_total")?.lines.map(({ labels, value }) => [labels.user, value])).toEqual([
      ["0", 1],
      ["1", 1],
      ["2", 1],
      ["other", 9_997],
    ]);
    expect(readValue(await text(), "worker_metrics_overflow_total", { metric: "c_total" })).toBe(
      9_997,
    );
    expect(warnings).toEqual([
      expect.stringContaining("metric c_total has 3 label combinations, the most it may have"),
    ]);
  });
});
