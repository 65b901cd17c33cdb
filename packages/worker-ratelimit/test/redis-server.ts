import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster, Redis } from "ioredis";
import { expect, onTestFinished, vi } from "vitest";

const PROGRAM = "redis-server";

/** Whether tests with Redis are left out, as the program is missing. */
export const withoutRedis = (process.env["OPPULENCE_TEST_SKIP"] ?? "").split(",").includes("redis");

/** A Redis of its own. */
export interface RedisServer {
  readonly port: number;
  /** Ends the server at once, and starts one without data in its place. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a Redis, with arguments beside the usual ones. */
export async function launchRedis(more: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const launch = async () => {
    const child = spawn(
      PROGRAM,
      ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", ...more],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    for await (const line of child.stdout) if (String(line).includes("Ready to accept")) break;
    return child;
  };
  let child = await launch();
  const stop = async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  return {
    port,
    stop,
    async restart(whileDown) {
      await stop();
      await whileDown?.();
      child = await launch();
    },
  };
}

/** Starts a Redis that ends with the test. */
export async function startRedis(more?: readonly string[]): Promise<RedisServer> {
  const server = await launchRedis(more);
  onTestFinished(() => server.stop());
  return server;
}

/** A client that ends with the test. */
export function clientOf(port: number): Redis {
  const client = new Redis({ port, host: "127.0.0.1", lazyConnect: true });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** A cluster of one node that has every slot: keys of one script must be in one slot. */
export async function startCluster(): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), "redis-cluster-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const server = await startRedis([
    "--cluster-enabled",
    "yes",
    "--cluster-announce-ip",
    "127.0.0.1",
    "--dir",
    dir,
  ]);
  const node = clientOf(server.port);
  await node.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await vi.waitFor(
    async () => expect(await node.cluster("INFO")).toContain("cluster_state:ok"),
    10_000,
  );
  const cluster = new Cluster([{ host: "127.0.0.1", port: server.port }], { lazyConnect: true });
  cluster.on("error", () => {});
  onTestFinished(() => cluster.disconnect());
  return cluster;
}
