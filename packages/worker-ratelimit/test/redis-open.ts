import { onTestFinished } from "vitest";
import { redisStore } from "../src/redis.ts";
import type { RateLimitStore, StoreInput } from "../src/store.ts";
import { clientOf } from "./redis-server.ts";

/** What of its input a store in Redis uses. */
export const input = (given: Partial<StoreInput> = {}): StoreInput =>
  ({ schema: '"oppulence_worker"', leaseMs: 30_000, timeoutMs: 2_000, ...given }) as StoreInput;

/** A store as one more process has it; it ends with the test. */
export function open(port: number, given: Partial<StoreInput> = {}): RateLimitStore {
  const store = redisStore(clientOf(port))(input(given));
  onTestFinished(() => store.stop?.());
  return store;
}
