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
  const retryStrategy = (times: number) => Math.min(1_000, 50 * 2 ** Math.min(5, times));
  const settings = {
    autoResubscribe: false,
    // A change whose answer was lost may have been made.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
  };
  const own =
    "nodes" in client
      ? client.duplicate([], {
          lazyConnect: true,
          clusterRetryStrategy: retryStrategy,
          // As above: by default, what was on its way to a node that is gone is sent to the next.
          retryDelayOnFailover: 0,
          redisOptions: settings,
        })
      : client.duplicate({ ...settings, lazyConnect: true, retryStrategy });
  // Commands tell what goes wrong; unheard, the event would end the process.
  own.on("error", () => {});
  return own;
}

/** Connecting, with the question whether the server is ready, takes several round trips. */
const TIMES_TO_CONNECT = 4;

/** Runs scripts on a connection of its own, each within a time. */
export class RedisLink {
  readonly #client: RedisClient;
  readonly #timeoutMs: number;
  #connectingSince = performance.now();
  #readySince = Number.POSITIVE_INFINITY;

  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = ownClient(client);
    this.#timeoutMs = timeoutMs;
    this.#client.on("connecting", () => {
      this.#connectingSince = performance.now();
    });
    this.#client.on("ready", () => {
      this.#readySince = performance.now();
    });
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
    const askedAt = performance.now();
    let isLate = false;
    const late = () => {
      isLate = true;
      return new Error(`Redis did not answer within ${this.#timeoutMs} ms`);
    };
    try {
      return (await settleWithin(pending, this.#timeoutMs, late)) as T;
    } finally {
      if (isLate && this.#isGivenUp(askedAt)) this.#client.disconnect(true);
    }
  }

  /**
   * Answers come in the order of the commands: one that is missing would hold up all that follow. A connection that is
   * being made is let be for longer: given up each time a command is late, it would never be made when Redis is far.
   */
  #isGivenUp(askedAt: number): boolean {
    if (this.#client.status === "ready") return this.#readySince <= askedAt;
    return performance.now() - this.#connectingSince > TIMES_TO_CONNECT * this.#timeoutMs;
  }
}
