import { Loop, settleWithin, systemClock } from "@oppulence/worker-core";
import { ownClient, type RedisClient } from "./redis-link.ts";

/** What a {@link RedisChannel} needs. */
export interface RedisChannelInput {
  readonly client: RedisClient;
  readonly name: string;
  readonly timeoutMs: number;
  readonly onMessage: (message: string) => void;
  /** Messages are heard from now on; those before are lost. */
  readonly onAlive: () => void;
}

/** A connection whose other end is gone without a word is noticed by this. */
const PING_EVERY_MS = 5_000;

/** Hears messages on a connection of its own, and comes back by itself when that breaks. */
export class RedisChannel {
  readonly #input: RedisChannelInput;
  readonly #client: RedisClient;
  readonly #pings: Loop;
  #isListening = false;

  constructor(input: RedisChannelInput) {
    this.#input = input;
    this.#client = ownClient(input.client);
    this.#client.on("message", (_channel: string, message: string) => input.onMessage(message));
    this.#client.on("ready", () => void this.#subscribe());
    this.#client.on("close", () => {
      this.#isListening = false;
    });
    this.#pings = new Loop({
      clock: systemClock,
      intervalMs: PING_EVERY_MS,
      turn: () => this.#ping(),
    });
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /** Connects, and goes on trying; resolves after the first attempt. */
  async start(): Promise<void> {
    this.#pings.start();
    await this.#within(this.#client.connect()).catch(() => {});
  }

  async stop(): Promise<void> {
    await this.#pings.stop();
    this.#isListening = false;
    this.#client.disconnect();
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#within(this.#client.subscribe(this.#input.name));
      this.#isListening = true;
      this.#input.onAlive();
    } catch {
      this.#client.disconnect(true);
    }
  }

  async #ping(): Promise<void> {
    if (!this.#isListening) return;
    try {
      await this.#within(this.#client.ping());
    } catch {
      this.#isListening = false;
      this.#client.disconnect(true);
    }
  }

  #within(pending: Promise<unknown>): Promise<unknown> {
    const { timeoutMs } = this.#input;
    const late = () => new Error(`Redis did not answer within ${timeoutMs} ms`);
    return settleWithin(pending, timeoutMs, late);
  }
}
