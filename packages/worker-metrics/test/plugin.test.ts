import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createClient,
  createWorker,
  declareTask,
  definePlugin,
  defineTask,
  drop,
  isConfigurationError,
} from "@oppulence/worker-core";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { Counter, Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { isInvalidMetricError, isMetricsEndpointError, metrics } from "../src/index.ts";
import { parseExposition, readValue } from "./exposition.ts";
import { keepingLogger, quiet } from "./logs.ts";
import { startWorker, TEST_OPTIONS } from "./start-worker.ts";

const task = defineTask({ identifier: "work", run: () => {} });

/** Holds a port until the test ends. */
const takePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return (server.address() as { port: number }).port;
};

/** What a worker that cannot start rejects with. */
const failedStart = async (options: Parameters<typeof metrics>[0]) => {
  const { url } = await testDatabase();
  const base = {
    connectionString: url,
    config: false,
    handleSignals: false,
    logger: quiet,
  } as const;
  const worker = createWorker({
    ...base,
    tasks: [task],
    plugins: [metrics({ ...TEST_OPTIONS, ...options })],
  });
  onTestFinished(() => worker.stop());
  const error = await worker.start().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return { worker, error };
};

describe("metrics", () => {
  it("serves everything on one port, in a format that Prometheus reads", async () => {
    const { url, api } = await startWorker([task], { metrics: { defaultMetrics: true } });
    const answer = await fetch(`${url()}/metrics`);
    const families = parseExposition(await answer.text());
    expect(families.get("process_cpu_seconds_total")?.type).toBe("counter");
    expect(families.get("worker_jobs_total")?.lines).toHaveLength(6);
    expect(api.address()).toEqual({ host: "127.0.0.1", port: expect.any(Number), url: url() });
  });

  it("serves the program's own registry along", async () => {
    const registry = new Registry();
    new Counter({ name: "orders_total", help: "orders", registers: [registry] }).inc(3);
    const { url } = await startWorker([task], { metrics: { registry, defaultMetrics: undefined } });
    const text = await (await fetch(`${url()}/metrics`)).text();
    expect(readValue(text, "orders_total")).toBe(3);
    expect(readValue(text, "worker_jobs_in_progress")).toBe(0);
    expect(text).not.toContain("process_cpu");
  });

  it("adds process metrics once to a registry that several workers share", async () => {
    const registry = new Registry();
    const shared = { registry, defaultMetrics: true, endpoint: false };
    const { database } = await startWorker([task], { metrics: shared });
    const { api } = await startWorker([task], { metrics: shared, database });
    expect(parseExposition(await api.text()).has("process_cpu_seconds_total")).toBe(true);
  });

  it("opens no socket with endpoint: false", async () => {
    const { api } = await startWorker([task], { metrics: { endpoint: false } });
    expect(api.address()).toBeUndefined();
    expect(await api.text()).toContain("worker_jobs_in_progress 0");
  });

  it("closes its socket when the worker stops", async () => {
    const { worker, api, url } = await startWorker([task]);
    expect((await fetch(`${url()}/healthz`)).status).toBe(200);
    const port = api.address()?.port as number;
    await worker.stop();
    expect(api.address()).toBeUndefined();
    const socket = connect(port, "127.0.0.1");
    const refused = await new Promise((resolve) => socket.once("error", resolve));
    expect(refused).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not start when the port is in use, and names it", async () => {
    const port = await takePort();
    const { worker, error } = await failedStart({ port });
    expect(isMetricsEndpointError(error)).toBe(true);
    expect(error).toMatchObject({
      port,
      message: expect.stringContaining(`port ${port} on 127.0.0.1 is in use`),
    });
    expect(worker.events.has("job:started")).toBe(false);
  });

  it("does not start, and holds no port, when one of its names is taken in the registry", async () => {
    const registry = new Registry();
    new Counter({ name: "worker_jobs_in_progress", help: "not ours", registers: [registry] });
    const { worker, error } = await failedStart({ registry });
    expect(isInvalidMetricError(error)).toBe(true);
    expect(worker.plugins.metrics.address()).toBeUndefined();
    expect(worker.events.has("job:started")).toBe(false);
  });

  it("counts jobs added and dropped in a client, and nothing of runs", async () => {
    const { url } = await testDatabase();
    const dropping = definePlugin({
      name: "dropping",
      producers: "not-covered",
      setup: () => ({
        beforeEnqueue: {
          phase: "admit",
          onError: "open",
          run: ({ spec }) =>
            spec.payload === "no" ? drop({ code: "NO", message: "no" }) : undefined,
        },
      }),
    });
    const work = declareTask({ identifier: "work" });
    const client = createClient({
      connectionString: url,
      config: false,
      logger: quiet,
      tasks: [work],
      plugins: [metrics(TEST_OPTIONS), dropping],
    });
    onTestFinished(() => client.stop());
    await client.addJobs(["yes", "no", "yes"].map((payload) => ({ task: work, payload })));
    const text = await (await fetch(`${client.plugins.metrics.address()?.url}/metrics`)).text();
    expect(readValue(text, "worker_jobs_added_total", { task: "work" })).toBe(2);
    expect(readValue(text, "worker_jobs_total", { task: "work", outcome: "dropped" })).toBe(1);
    expect(
      readValue(text, "worker_plugin_hook_duration_seconds_count", {
        plugin: "dropping",
        hook: "beforeEnqueue",
      }),
    ).toBe(3);
    for (const name of [
      "worker_jobs_in_progress",
      "worker_pool_utilization_ratio",
      "worker_queue_depth",
    ]) {
      expect(parseExposition(text).has(name)).toBe(false);
    }
  });

  it("bounds the label combinations of other plugins' metrics", async () => {
    const greedy = definePlugin({
      name: "greedy",
      producers: "not-covered",
      setup: ({ meter }) => {
        const counter = meter.counter({ name: "greedy_total", help: "by user", labels: ["user"] });
        return {
          start() {
            for (let user = 0; user < 500; user++) counter.add(1, { user });
          },
        };
      },
    });
    const { value, api, lines } = await startWorker([task], {
      plugins: [greedy],
      metrics: { maxSeries: 10 },
    });
    expect(parseExposition(await api.text()).get("greedy_total")?.lines).toHaveLength(11);
    expect(await value("greedy_total", { user: "other" })).toBe(490);
    expect(await value("worker_metrics_overflow_total", { metric: "greedy_total" })).toBe(490);
    expect(lines.filter(({ message }) => message.includes("greedy_total"))).toHaveLength(1);
  });
});

describe("metrics with the config overlay", () => {
  it("is off with enabled: false: no socket, no listener", async () => {
    const env = { OPPULENCE_WORKER__PLUGINS__METRICS__ENABLED: "false" };
    const { worker, api } = await startWorker([task], { config: { env } });
    expect(api.address()).toBeUndefined();
    expect(worker.events.has("job:started")).toBe(false);
  });

  it("takes options from a file and from variables, and keeps what is set in code", async () => {
    const folder = mkdtempSync(join(tmpdir(), "worker-metrics-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "worker.yaml");
    writeFileSync(
      file,
      "plugins:\n  metrics:\n    path: /from-file\n    buckets:\n      duration: [1, 2]\n",
    );
    const registry = new Registry();
    const env = { OPPULENCE_WORKER__PLUGINS__METRICS__HOST: "0.0.0.0" };
    const { worker, api, reaches } = await startWorker([task], {
      config: { file, env },
      metrics: { registry },
    });
    expect(api.registry).toBe(registry);
    expect(api.address()?.host).toBe("0.0.0.0");
    const answer = await fetch(`http://127.0.0.1:${api.address()?.port}/from-file`);
    expect(answer.status).toBe(200);
    await worker.addJob(task, {});
    await reaches("worker_job_duration_seconds_bucket", { task: "work", le: "2" }, 1);
  });
});

describe("metrics' options", () => {
  const problemsOf = (options: object): string => {
    try {
      createWorker({
        connectionString: "postgres://nowhere",
        config: false,
        logger: keepingLogger().logger,
        tasks: [task],
        plugins: [metrics(options)],
      });
    } catch (error) {
      if (isConfigurationError(error)) return error.problems.join("\n");
      throw error;
    }
    return "";
  };

  it.each([
    [{ prot: 1 }, 'unknown option "prot", did you mean "port"?'],
    [{ port: 70_000 }, "port"],
    [{ port: "9464" }, "port"],
    [{ host: "" }, "host"],
    [{ path: "metrics" }, 'expected a path that begins with "/"'],
    [{ path: "/readyz" }, "is the path of a health check"],
    [{ registry: {} }, "expected a Registry of prom-client"],
    [{ depthInterval: "5 bananas" }, "expected false, or a duration"],
    [{ depthInterval: true }, "expected false, or a duration"],
    [{ maxTaskLabels: 0 }, "maxTaskLabels"],
    [{ maxSeries: 1.5 }, "maxSeries"],
    [
      { buckets: { duration: [2, 1] } },
      "got the buckets [2, 1]; they are finite numbers, ascending",
    ],
    [{ buckets: { wiat: [1] } }, 'did you mean "wait"?'],
  ])("refuses %j", (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it("are all optional", () => {
    expect(problemsOf({})).toBe("");
  });
});
