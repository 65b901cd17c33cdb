import { testPlugin } from "@oppulence/worker-testing/conformance";
import { afterAll, beforeAll, describe } from "vitest";
import { fixtures, PORT_VARIABLE, plugin } from "./redis-plugin.ts";
import { launchRedis, type RedisServer, withoutRedis } from "./redis-server.ts";

describe.skipIf(withoutRedis)("with a Redis", () => {
  let server: RedisServer | undefined;
  beforeAll(async () => {
    server = await launchRedis();
    process.env[PORT_VARIABLE] = String(server.port);
  });
  afterAll(() => server?.stop());

  testPlugin(plugin, fixtures);
});
