import { connect } from "node:net";
import type { HealthReport } from "@oppulence/worker-core";
import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { type EndpointInput, serveEndpoint } from "../src/endpoint.ts";
import { isMetricsEndpointError } from "../src/errors.ts";

const OK: HealthReport = { status: "ok", parts: { database: { status: "ok" } } };

const serve = async (input: Partial<EndpointInput> = {}) => {
  const errors: unknown[] = [];
  const endpoint = await serveEndpoint({
    host: "127.0.0.1",
    port: 0,
    path: "/metrics",
    registry: new Registry(),
    health: async () => OK,
    onError: (_, error) => void errors.push(error),
    ...input,
  });
  onTestFinished(() => endpoint.close());
  const get = (path: string, init?: RequestInit) => fetch(`${endpoint.address.url}${path}`, init);
  return { endpoint, get, errors };
};

describe("serveEndpoint", () => {
  it("serves the registry under its content type", async () => {
    const { get } = await serve({ path: "/internal/metrics" });
    const answer = await get("/internal/metrics?name[]=x");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await get("/metrics")).status).toBe(404);
  });

  it("says that the process is alive without asking anybody", async () => {
    const { get } = await serve({ health: () => Promise.reject(new Error("must not be asked")) });
    const answer = await get("/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });

  it.each([
    ["ok", 200],
    ["degraded", 200],
    ["down", 503],
  ] as const)("answers /readyz when health is %s with %i and the parts", async (status, code) => {
    const report: HealthReport = {
      status,
      parts: { database: { status: "ok" }, cron: { status, detail: "why" } },
    };
    const { get } = await serve({ health: async () => report });
    const answer = await get("/readyz");
    expect([answer.status, await answer.json()]).toEqual([code, report]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("asks for health once for probes that come at the same time, and anew for later ones", async () => {
    let asked = 0;
    const { promise, resolve } = Promise.withResolvers<HealthReport>();
    const { endpoint, get } = await serve({
      health: () => {
        asked += 1;
        // The socket delivers both requests in one piece; both are at hand once its turn is over.
        setImmediate(() => resolve(OK));
        return promise;
      },
    });
    const socket = connect(endpoint.address.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write("GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2));
    let text = "";
    for await (const piece of socket) {
      text += piece;
      if (text.split("HTTP/1.1 200 OK").length === 3) break;
    }
    expect(asked).toBe(1);
    expect((await get("/readyz")).status).toBe(200);
    expect(asked).toBe(2);
  });

  it("answers HEAD, refuses other methods, and names its paths", async () => {
    const { get } = await serve();
    const head = await get("/metrics", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await get("/metrics", { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const missing = await get("/nothing");
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: "no such path; there are /metrics, /healthz, /readyz" },
    ]);
  });

  it("answers 500 when a metric cannot be read, and keeps the reason for the log", async () => {
    const registry = new Registry();
    registry.registerMetric({ name: "x", get: () => Promise.reject(new Error("secret")) } as never);
    const { get, errors } = await serve({ registry });
    const answer = await get("/metrics");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect(errors).toEqual([new Error("secret")]);
  });

  it("names the port that is in use, and what to do", async () => {
    const { endpoint } = await serve();
    const { port } = endpoint.address;
    const error = await serve({ port }).catch((caught: unknown) => caught);
    expect(isMetricsEndpointError(error)).toBe(true);
    expect(error).toMatchObject({
      port,
      host: "127.0.0.1",
      cause: { code: "EADDRINUSE" },
      message: expect.stringContaining(`port ${port} on 127.0.0.1 is in use`),
    });
  });

  it("names a host that is no address of this machine", async () => {
    const error = await serve({ host: "203.0.113.7" }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      message: expect.stringContaining('host "203.0.113.7" is no address of this machine'),
    });
  });

  it("frees the port although a client keeps its connection", async () => {
    const { endpoint } = await serve();
    const socket = connect(endpoint.address.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost:");
    await new Promise((resolve) => socket.once("data", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await endpoint.close();
    await ended;
    await serve({ port: endpoint.address.port });
  });
});
