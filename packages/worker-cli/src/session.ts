import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient, isDatabaseUnreachableError } from "@oppulence/worker-core";
import type { Logger } from "graphile-worker";
import { type LoadedConfig, loadConfig } from "./config/load-config.ts";
import { passwordsIn } from "./redact.ts";
import { type PrepareInput, toClientOptions } from "./worker-options.ts";

/** How long what a command used may take to close. */
const CLOSE_MS = 2_000;

/** What a {@link Session} is made of. */
export interface SessionInput extends Omit<PrepareInput, "logger"> {
  readonly cwd: string;
  /** The value of `--config`. */
  readonly configFile: string | undefined;
  /** Options that are used instead of a file's. */
  readonly given: LoadedConfig | undefined;
  readonly logger: Logger;
  /** Connection strings are added here as they become known, so that nothing prints them. */
  readonly secrets: string[];
}

/** What a command line has of the outside world: the config and a client, each made when it is first asked for. */
export class Session {
  readonly #input: SessionInput;
  #config: Promise<LoadedConfig> | undefined;
  #client: Client | undefined;
  #connected: Promise<Client> | undefined;
  #started: Promise<Client> | undefined;

  constructor(input: SessionInput) {
    this.#input = input;
    this.#keepSecret(input.connection, input.env.DATABASE_URL);
  }

  /** What options are prepared with. */
  get input(): SessionInput {
    return this.#input;
  }

  /** The config. @throws ConfigNotFoundError, ConfigFailedError, InvalidConfigError, UsageError */
  config(): Promise<LoadedConfig> {
    this.#config ??= this.#load();
    return this.#config;
  }

  /** A client that is not connected. @throws what `createClient` throws */
  async client(): Promise<Client> {
    const { options } = await this.config();
    this.#client ??= createClient(toClientOptions(options, this.#input));
    return this.#client;
  }

  /**
   * A client whose database answers; its plugins are not started. Commands that read and repair jobs take
   * this one: pending migrations or a plugin that cannot start must not be in their way.
   *
   * @throws DatabaseUnreachableError
   */
  connected(): Promise<Client> {
    this.#connected ??= this.#connect();
    return this.#connected;
  }

  /** A client whose plugins are started. Migrations are checked, never applied. */
  started(): Promise<Client> {
    this.#started ??= this.connected().then(async (client) => {
      await client.start();
      return client;
    });
    return this.#started;
  }

  /** Stops the plugins and ends the connections, within a bound. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const closed = client.stop({ timeout: CLOSE_MS }).catch(() => {});
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  async #load(): Promise<LoadedConfig> {
    const { given, cwd, configFile } = this.#input;
    const config = given ?? (await loadConfig(cwd, configFile));
    if (given === undefined) {
      this.#input.logger.debug(`config ${config.label}, loaded by ${config.loader}`);
    }
    this.#keepSecret(config.options.connectionString, config.options.worker?.connectionString);
    return config;
  }

  async #connect(): Promise<Client> {
    const client = await this.client();
    try {
      // One round trip, and the core's own words when there is no connection.
      await client.migrate("verify");
    } catch (error) {
      if (isDatabaseUnreachableError(error)) throw error;
      this.#input.logger.debug(`checking the migrations: ${String(error)}`);
    }
    return client;
  }

  #keepSecret(...connections: readonly unknown[]): void {
    for (const connection of connections) {
      if (typeof connection === "string") this.#input.secrets.push(...passwordsIn(connection));
    }
  }
}
