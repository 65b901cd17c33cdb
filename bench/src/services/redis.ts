import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { provide, systemPrograms } from "../../../scripts/system-programs.ts";

/** A Redis of our own. */
export interface BenchRedis {
  readonly port: number;
  readonly about: string;
  stop(): Promise<void>;
}

/**
 * Starts Debian's `redis-server`, in memory only; installs it first where this is root on Debian.
 *
 * @returns a sentence on what is missing where there is none to start
 */
export async function startBenchRedis(): Promise<BenchRedis | string> {
  const [missing] = provide(systemPrograms.filter(({ name }) => name === "redis"));
  if (missing !== undefined) return missing.reason;
  const port = await freePort();
  const args = ["--port", String(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
  const server = spawn("redis-server", args, { stdio: "ignore" });
  const ended = once(server, "exit");
  const endWithUs = () => server.kill("SIGKILL");
  process.once("exit", endWithUs);
  try {
    const version = await versionOnceUp(port);
    return {
      port,
      about: `Redis ${version} save='' appendonly=no`,
      async stop() {
        process.off("exit", endWithUs);
        server.kill("SIGTERM");
        await ended;
      },
    };
  } catch (error) {
    server.kill("SIGKILL");
    throw error;
  }
}

const TRIES = 100;
const PAUSE_MS = 50;

async function versionOnceUp(port: number): Promise<string> {
  for (let tries = 1; ; tries++) {
    const redis = new Redis({ host: "127.0.0.1", port, lazyConnect: true, retryStrategy: null });
    redis.on("error", () => {});
    try {
      await redis.connect();
      const info = await redis.info("server");
      return /redis_version:(\S+)/.exec(info)?.[1] ?? "(version unknown)";
    } catch (error) {
      if (tries === TRIES) throw error;
      await sleep(PAUSE_MS);
    } finally {
      redis.disconnect();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
