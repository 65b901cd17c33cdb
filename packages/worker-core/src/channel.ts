import type { Logger } from "graphile-worker";
import type { Client, Pool } from "pg";
import type { Clock } from "./clock.ts";
import { type Query, toQuery } from "./contract/query.ts";
import { messageOf } from "./errors.ts";
import { ownConnection } from "./own-connection.ts";
import { settleWithin } from "./settle-within.ts";

const RECONNECT_FROM_MS = 100;
const RECONNECT_TO_MS = 5_000;
/** A connection whose other end is gone without a word is noticed by this. */
const PING_EVERY_MS = 60_000;
const ANSWER_WITHIN_MS = 5_000;
const END_WITHIN_MS = 1_000;

/** What a {@link Channel} needs. */
export interface ChannelInput {
  /** Of `LISTEN`, and of the connection where the server lists them: lower case letters, digits and `_`. */
  readonly name: string;
  /** What is heard, for the log: `"cancelled jobs"`. */
  readonly topic: string;
  readonly pool: Pool;
  /** Of the connection's timers: the system's, unless the test plays the server, too. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1. @defaultValue `Math.random` */
  readonly random?: () => number;
  /** Must not throw. The payload of a `NOTIFY` without one is the empty string. */
  readonly onMessage: (payload: string) => void;
  /** Called with the connection when it is made, and every minute; what it throws ends the connection. */
  readonly onAlive?: (query: Query) => Promise<void>;
}

/**
 * Hears notifications on a connection of its own beside the pool's: a pool all of whose connections are lent
 * could not be reached. It connects again when the connection breaks; what was sent meanwhile is lost.
 */
export class Channel {
  readonly #input: ChannelInput;
  #client: Client | undefined;
  #isListening = false;
  #stopped = false;
  #failures = 0;
  #timer: unknown;

  constructor(input: ChannelInput) {
    this.#input = input;
  }

  /** Whether notifications are heard at this moment. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Connects, and goes on trying; resolves after the first attempt, whether or not it succeeded. */
  async start(): Promise<void> {
    if (!this.#stopped && this.#client === undefined) await this.#connect();
  }

  /** Closes the connection, for good. Safe to call again. */
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
    const client = ownConnection(pool);
    this.#client = client;
    const lost = (error?: unknown) => this.#lost(client, error ?? new Error("connection closed"));
    client.on("error", lost);
    client.on("end", () => lost());
    client.on("notification", ({ payload }) => {
      if (this.#client === client) onMessage(payload ?? "");
    });
    try {
      await this.#bounded(this.#listen(client));
    } catch (error) {
      lost(error);
    }
  }

  async #listen(client: Client): Promise<void> {
    const { name, topic, logger, onAlive } = this.#input;
    await client.connect();
    // Named, so that whoever looks at the server's connections knows what this one is.
    await client.query(`set application_name to '${name}'; listen ${name}`);
    await onAlive?.(toQuery(client));
    if (this.#client !== client) return;
    if (this.#failures > 0) logger.info(`hears of ${topic} again`);
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
    const late = () => new Error(`the database did not answer within ${ms} ms`);
    return settleWithin(work, ms, late, this.#input.clock);
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    const { clock, logger, topic, random = Math.random } = this.#input;
    this.#client = undefined;
    this.#isListening = false;
    clock.clearTimeout(this.#timer);
    // Not awaited: the end of a connection whose other end is gone may take for ever.
    client.end().catch(() => {});
    if (this.#stopped) return;
    if (this.#failures === 0)
      logger.warn(`cannot hear of ${topic}, tries again: ${messageOf(error)}`, { error });
    const delay = Math.min(RECONNECT_TO_MS, RECONNECT_FROM_MS * 2 ** Math.min(10, this.#failures));
    this.#failures += 1;
    // Between half of it and all, so that processes that lost it together do not come back together.
    this.#timer = clock.setTimeout(() => void this.start(), delay * (0.5 + random() / 2));
  }
}

/** Sends payloads to a {@link Channel}'s name, one round trip for all, heard once the transaction commits. */
export async function notify(
  query: Query,
  name: string,
  payloads: readonly string[],
): Promise<void> {
  if (payloads.length === 0) return;
  await query("select pg_notify($1, payload) from unnest($2::text[]) as payload", [name, payloads]);
}
