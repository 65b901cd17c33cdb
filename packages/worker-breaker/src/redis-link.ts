import { settleWithin } from "@oppulence/worker-core";
import type { Cluster, Redis } from "ioredis";
import type { Script } from "./redis-scripts.ts";

/** A client of `ioredis`. */
export type RedisClient = Redis | Cluster;

/**
 * A client with the settings of another, for the store alone: commands fail rather than wait, and none is sent twice.
 *
 * @param client - the user's; it is neither used nor closed
 */
export function ownClient(client: RedisClient): RedisClient {
  const settings = {
    lazyConnect: true,
    autoResubscribe: false,
    // A change whose answer was lost may have been made.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (times: number) => Math.min(1_000, 50 * 2 ** Math.min(5, times)),
  };
  const own =
    "nodes" in client
      ? client.duplicate([], {
          lazyConnect: true,
          clusterRetryStrategy: settings.retryStrategy,
          redisOptions: { autoResubscribe: false, maxRetriesPerRequest: 1 },
        })
      : client.duplicate(settings);
  // Commands tell what goes wrong; unheard, the event would end the process.
  own.on("error", () => {});
  return own;
}

/** Runs scripts on a connection of its own, each within a time. */
export class RedisLink {
  readonly #client: RedisClient;
  readonly #timeoutMs: number;

  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = ownClient(client);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Runs a script; where Redis does not know it any more, with its text.
   *
   * @throws what Redis says; an error when there is no answer in time
   */
  async run(
    { sha, text }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly string[]> {
    const rest = [...keys, ...args];
    try {
      return await this.#within(this.#client.evalsha(sha, keys.length, ...rest));
    } catch (error) {
      if (!String((error as Error).message).startsWith("NOSCRIPT")) throw error;
      return this.#within(this.#client.eval(text, keys.length, ...rest));
    }
  }

  /** A list's first entries. */
  async list(key: string, count: number): Promise<readonly string[]> {
    return this.#within(this.#client.lrange(key, 0, count - 1));
  }

  stop(): void {
    this.#client.disconnect();
  }

  async #within<T>(pending: Promise<unknown>): Promise<T> {
    let isLate = false;
    const late = () => {
      isLate = true;
      return new Error(`Redis did not answer within ${this.#timeoutMs} ms`);
    };
    try {
      return (await settleWithin(pending, this.#timeoutMs, late)) as T;
    } finally {
      // Answers come in the order of the commands: one that is missing would hold up all that follow.
      if (isLate) this.#client.disconnect(true);
    }
  }
}
