import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startCallers } from "./callers.ts";

const THRESHOLD = 5;
const PROCESSES = 4;
const JOBS = 400;

/** An HTTP server that answers with an error while it is down. */
async function startServer() {
  const state = { down: false, calls: 0, whileDown: 0 };
  const server = createServer((_, response) => {
    state.calls += 1;
    if (state.down) state.whileDown += 1;
    const status = state.down ? 503 : 200;
    setTimeout(() => response.writeHead(status).end(), 5);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { state, url: `http://127.0.0.1:${port}/` };
}

describe("a dependency that is down for a while", () => {
  it("is called no more than threshold × processes + probes times, and no job loses an attempt to it", async () => {
    const { state, url } = await startServer();
    const breaker = {
      dependencies: {
        api: { failureThreshold: THRESHOLD, maxUnderWay: THRESHOLD, resetTimeout: "500ms" },
      },
    };
    const { api, client, add, hurry, left } = await startCallers(PROCESSES, {
      breaker,
      url,
      concurrentJobs: 10,
    });
    await add(JOBS);
    await vi.waitUntil(() => state.calls > 50, { timeout: 10_000, interval: 5 });
    state.down = true;
    await vi.waitUntil(async () => (await api.get("api")).state === "open", { timeout: 5_000 });
    const history = () => api.history({ dependency: "api", limit: 100 });
    const probed = async () => (await history()).filter(({ to }) => to === "half-open").length;
    await vi.waitUntil(async () => (await probed()) >= 4, { timeout: 15_000 });
    const attempts = await client.query<{ sum: number }>(
      "select coalesce(sum(attempts), 0)::int as sum from graphile_worker.jobs where locked_at is null",
    );
    const probes = await probed();
    state.down = false;
    expect(state.whileDown).toBeLessThanOrEqual(THRESHOLD * PROCESSES + probes + 1);
    // Every attempt that is gone was a call that failed.
    expect(attempts[0]?.sum).toBeLessThanOrEqual(state.whileDown);
    await vi.waitUntil(
      async () => {
        await hurry();
        return (await left()) === 0;
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(state.calls).toBe(JOBS + state.whileDown);
    console.info(`${state.whileDown} calls while it was down, ${probes} probes`);
  });
});
