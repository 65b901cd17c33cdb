import {
  type Clock,
  messageOf,
  type PluginHost,
  type Query,
  toQuery,
} from "@oppulence/worker-core";
import type { Client, Pool } from "pg";
import { delayMs, type ResolvedBackoff } from "./backoff.ts";
import { type CancelAnswer, type CancelRequest, decodeMessage } from "./cancel-message.ts";

/** The channel of requests and answers, of all workers of the database. */
const CHANNEL = "oppulence_worker_cancel";

const RECONNECT: ResolvedBackoff = {
  type: "exponential",
  baseMs: 100,
  factor: 2,
  capMs: 5_000,
  jitter: "equal",
};
/** A connection whose other end is gone without a word is noticed by this. */
const PING_EVERY_MS = 60_000;
const ANSWER_WITHIN_MS = 5_000;
const END_WITHIN_MS = 1_000;

/** Sends payloads to the channel, one round trip for all. */
export async function notifyChannel(query: Query, payloads: readonly string[]): Promise<void> {
  if (payloads.length === 0) return;
  await query("select pg_notify($1, payload) from unnest($2::text[]) as payload", [
    CHANNEL,
    payloads,
  ]);
}

/** What a {@link CancelChannel} needs. */
export interface CancelChannelInput {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: PluginHost["logger"];
  readonly onMessage: (message: CancelRequest | CancelAnswer) => void;
  /** Called with the connection when it is made, and every minute; what it throws ends the connection. */
  readonly onAlive?: (query: Query) => Promise<void>;
}

/**
 * Hears what is sent to the channel, on a connection of its own beside the pool's: a pool all of whose
 * connections are lent could not be reached. It connects again when the connection breaks; what was sent
 * meanwhile is lost, and whoever sent it gets no answer.
 */
export class CancelChannel {
  readonly #input: CancelChannelInput;
  #client: Client | undefined;
  #isListening = false;
  #stopped = false;
  #failures = 0;
  #timer: unknown;

  constructor(input: CancelChannelInput) {
    this.#input = input;
  }

  /** Whether messages are heard at this moment. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Connects, and goes on trying; resolves after the first attempt, whether or not it succeeded. */
  async start(): Promise<void> {
    if (!this.#stopped && this.#client === undefined) await this.#connect();
  }

  /** Closes the connection. Safe to call again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#isListening = false;
    this.#input.clock.clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    // The end of a connection that is still being made may take for ever.
    if (client !== undefined) await this.#bounded(client.end(), END_WITHIN_MS).catch(() => {});
  }

  async #connect(): Promise<void> {
    const { pool, onMessage } = this.#input;
    const client = newClient(pool);
    this.#client = client;
    const lost = (error?: unknown) => this.#lost(client, error ?? new Error("connection closed"));
    client.on("error", lost);
    client.on("end", () => lost());
    client.on("notification", ({ payload }) => {
      const message = decodeMessage(payload);
      if (message !== undefined && this.#client === client) onMessage(message);
    });
    try {
      await this.#bounded(this.#listen(client));
    } catch (error) {
      lost(error);
    }
  }

  async #listen(client: Client): Promise<void> {
    await client.connect();
    // Named, so that whoever looks at the server's connections knows what this one is.
    await client.query(`set application_name to '${CHANNEL}'; listen ${CHANNEL}`);
    await this.#input.onAlive?.(toQuery(client));
    if (this.#client !== client) return;
    if (this.#failures > 0) this.#input.logger.info("listens for cancelled jobs again");
    this.#failures = 0;
    this.#isListening = true;
    this.#pingLater(client);
  }

  #pingLater(client: Client): void {
    this.#timer = this.#input.clock.setTimeout(() => void this.#ping(client), PING_EVERY_MS);
  }

  async #ping(client: Client): Promise<void> {
    const query = toQuery(client);
    try {
      await this.#bounded(this.#input.onAlive?.(query) ?? query("select 1"));
      if (this.#client === client) this.#pingLater(client);
    } catch (error) {
      this.#lost(client, error);
    }
  }

  /** @throws when there is no answer in time */
  #bounded(work: Promise<unknown>, ms = ANSWER_WITHIN_MS): Promise<unknown> {
    const { clock } = this.#input;
    const { promise, reject } = Promise.withResolvers<never>();
    const error = new Error(`the database did not answer within ${ms} ms`);
    const timer = clock.setTimeout(() => reject(error), ms);
    // The one that comes second has nobody to hear it.
    work.catch(() => {});
    return Promise.race([work, promise]).finally(() => clock.clearTimeout(timer));
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    const { clock, logger, random } = this.#input;
    this.#client = undefined;
    this.#isListening = false;
    clock.clearTimeout(this.#timer);
    // Not awaited: the end of a connection whose other end is gone may take for ever.
    client.end().catch(() => {});
    if (this.#stopped) return;
    if (this.#failures === 0)
      logger.warn(`cannot hear of cancelled jobs, tries again: ${messageOf(error)}`, { error });
    this.#failures += 1;
    const delay = delayMs(RECONNECT, this.#failures, random);
    this.#timer = clock.setTimeout(() => void this.start(), delay);
  }
}

/**
 * A connection as the pool makes them, which it neither counts nor lends.
 *
 * @throws TypeError for a pool that is not one of `pg`
 */
function newClient(pool: Pool): Client {
  const { Client: Connection } = pool as unknown as {
    readonly Client?: new (config: object) => Client;
  };
  if (typeof Connection !== "function")
    throw new TypeError(
      "plugin retry: the pool has no Client to listen with; give a Pool of pg, or set listen: false",
    );
  return new Connection(pool.options);
}
