import { isDeepStrictEqual } from "node:util";
import type { Logger } from "graphile-worker";
import type { AnyPlugin } from "../contract/plugin.ts";
import { messageOf } from "../errors.ts";
import type { ResolvedPlugin } from "./lay-over.ts";
import type { Overlay } from "./overlay.ts";
import { watchOverlay } from "./watch.ts";

/** Told of a plugin's options when they are not what they were. */
export type OptionsListener = (options: unknown) => void | Promise<void>;

/** What an {@link OptionsFollower} needs. */
export interface OptionsFollowerInput {
  /** As it was at start; undefined where overlays are ignored. */
  readonly overlay: Overlay | undefined;
  /** Lays an overlay over the options and validates them; throws where one of them cannot be used. */
  readonly resolve: (overlay: Overlay) => ReadonlyMap<AnyPlugin, ResolvedPlugin>;
  readonly logger: Logger;
}

interface Entry {
  readonly plugin: AnyPlugin;
  readonly listener: OptionsListener;
  /** What the listener has taken last. */
  taken: ResolvedPlugin;
  /** What it was last told of: what it refused is not told again. */
  told: ResolvedPlugin | undefined;
}

/**
 * Tells plugins of their options when the overlay's file changes while the process runs. Costs nothing, not
 * even a look at the file, as long as no plugin listens.
 */
export class OptionsFollower {
  readonly #input: OptionsFollowerInput;
  readonly #entries = new Set<Entry>();
  #latest: ReadonlyMap<AnyPlugin, ResolvedPlugin> | undefined;
  #stopWatch: (() => void) | undefined;
  #isStarted = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(input: OptionsFollowerInput) {
    this.#input = input;
  }

  /**
   * @param taken - the plugin's options as it was set up with them
   * @returns a function that ends it; a call that is under way goes on
   */
  listen(plugin: AnyPlugin, listener: OptionsListener, taken: ResolvedPlugin): () => void {
    // One that is switched off was not started, and has nothing to change.
    if (!taken.enabled) return () => {};
    const entry: Entry = { plugin, listener, taken, told: undefined };
    this.#entries.add(entry);
    this.#watch();
    // Changes that came before it listened.
    this.#tellAll();
    return () => this.#entries.delete(entry);
  }

  /** From here on listeners are called. */
  start(): void {
    this.#isStarted = true;
    this.#watch();
  }

  /** Calls no listener any more, and resolves once one that was called has ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#stopWatch?.();
    await this.#turn;
  }

  #watch(): void {
    const { overlay, logger } = this.#input;
    if (!this.#isStarted || overlay === undefined || this.#entries.size === 0) return;
    this.#stopWatch ??= watchOverlay(overlay, (next) => this.#take(next), {
      onError: (error) =>
        logger.error(
          `the config overlay has changed and cannot be used; the options before stay: ${messageOf(error)}`,
          { error },
        ),
    });
  }

  /** @throws where the overlay cannot be used: not even for plugins whose part of it is well, as at start */
  #take(overlay: Overlay): void {
    this.#latest = this.#input.resolve(overlay);
    this.#tellAll();
  }

  /** One change after another, each listener's call awaited. */
  #tellAll(): void {
    this.#turn = this.#turn.then(async () => {
      for (const entry of this.#entries) await this.#tell(entry);
    });
  }

  async #tell(entry: Entry): Promise<void> {
    const next = this.#latest?.get(entry.plugin);
    if (!this.#isStarted || next === undefined || next === entry.told) return;
    entry.told = next;
    const { logger } = this.#input;
    const { name } = entry.plugin;
    if (!next.enabled)
      logger.warn(`plugin ${name} is switched off by the config overlay from the next start on`);
    if (isSame(entry.taken, next)) return;
    try {
      await entry.listener(next.options);
      entry.taken = next;
      logger.info(`plugin ${name} goes by its options of the changed config overlay`);
    } catch (error) {
      const why = messageOf(error);
      logger.error(`plugin ${name} refused its changed options; those before stay: ${why}`, {
        error,
      });
    }
  }
}

/** A schema may make functions and instances anew each time: what it was given tells as well. */
function isSame(one: ResolvedPlugin, other: ResolvedPlugin): boolean {
  return isDeepStrictEqual(one.raw, other.raw) || isDeepStrictEqual(one.options, other.options);
}
