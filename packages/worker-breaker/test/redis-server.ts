import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";

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

/** Starts a Redis. */
export async function launchRedis(): Promise<RedisServer> {
  const port = await freePort();
  const launch = async () => {
    const child = spawn(
      PROGRAM,
      ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"],
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
export async function startRedis(): Promise<RedisServer> {
  const server = await launchRedis();
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
