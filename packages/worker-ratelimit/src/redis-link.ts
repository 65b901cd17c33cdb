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
  readonly #root: string;
  readonly #timeoutMs: number;
  #connectingSince = performance.now();
  #readySince = Number.POSITIVE_INFINITY;

  /** @param root - the one key of every script, with a hash tag: all keys are in one slot of a cluster */
  constructor(client: RedisClient, root: string, timeoutMs: number) {
    this.#client = ownClient(client);
    this.#root = root;
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
  async run<T>({ sha, text }: Script, input: object): Promise<T> {
    const argument = JSON.stringify(input, wellFormed);
    try {
      return await this.#within<T>(this.#client.evalsha(sha, 1, this.#root, argument));
    } catch (error) {
      if (!String((error as Error).message).startsWith("NOSCRIPT")) throw error;
      return this.#within<T>(this.#client.eval(text, 1, this.#root, argument));
    }
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

/** Half of a surrogate pair is no UTF-8: Redis' JSON does not read it. */
function wellFormed(_name: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}
