import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Duration, parseDuration } from "../duration.ts";
import { parseOverlay } from "./load.ts";
import type { Overlay } from "./overlay.ts";

/** How {@link watchOverlay} watches. */
export interface WatchOverlayOptions {
  /** Told about content that cannot be used, once per content; the overlay before it stays in force. */
  readonly onError?: (error: unknown) => void;
  /**
   * Quiet time after a change before the file is read, and again before it is taken for settled.
   * @defaultValue `"100ms"`: editors write in several steps
   */
  readonly debounce?: Duration;
  /**
   * Time between looks at the file besides the system's notifications, which do not come on every file
   * system. @defaultValue `"5s"`
   */
  readonly poll?: Duration;
  /** Whether to use the system's notifications. @defaultValue `true` */
  readonly notifications?: boolean;
}

/**
 * Watches the overlay's file and hands over each new content that can be used.
 *
 * Watches the folder, not the file: editors replace files by renaming, and a Kubernetes ConfigMap swaps a
 * symbolic link. What counts is the content; touching the file is no change. Environment variables cannot
 * change while the process runs, those of `overlay` stay in force. Does not keep the process alive.
 *
 * @param overlay - as loaded; a change since then is noticed too
 * @param onChange - called with the new overlay; what it throws goes to `onError`
 * @returns a function that ends the watch; no callback is called after it
 */
export function watchOverlay(
  overlay: Overlay,
  onChange: (next: Overlay) => void,
  options: WatchOverlayOptions = {},
): () => void {
  if (overlay.file === undefined) return () => {};
  const watcher = new FileWatcher(overlay.file, overlay.text, options, (text) => {
    const { file = "", label = "", variables } = overlay;
    onChange(parseOverlay(text, { file, label, variables }));
  });
  watcher.start();
  return () => watcher.stop();
}

/** Content of a file that cannot be read; unequal to any text. */
const UNREADABLE = Symbol("unreadable");
type Content = string | typeof UNREADABLE | undefined;

/** Node.js takes a longer time for one of a millisecond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function timerMs(duration: Duration, option: string): number {
  return Math.min(parseDuration(duration, `watchOverlay, ${option}`), MAX_TIMER_MS);
}

/** Follows one file's content. One look at a time; a look that is asked for meanwhile follows it. */
class FileWatcher {
  readonly #file: string;
  readonly #onText: (text: string) => void;
  readonly #onError: (error: unknown) => void;
  readonly #debounceMs: number;
  readonly #pollMs: number;
  readonly #isNotified: boolean;
  /** What was handed over last. */
  #seen: Content;
  /** What the last look found. */
  #candidate: Content;
  #notifier: FSWatcher | undefined;
  #poller: NodeJS.Timeout | undefined;
  #pending: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(
    file: string,
    seen: string | undefined,
    options: WatchOverlayOptions,
    onText: (text: string) => void,
  ) {
    this.#file = file;
    this.#seen = seen;
    this.#candidate = seen;
    this.#onText = onText;
    this.#onError = options.onError ?? (() => {});
    this.#debounceMs = timerMs(options.debounce ?? "100ms", "debounce");
    this.#pollMs = timerMs(options.poll ?? "5s", "poll");
    this.#isNotified = options.notifications ?? true;
  }

  start(): void {
    if (this.#isNotified) this.#listen();
    this.#poller = setInterval(() => void this.#look(), this.#pollMs).unref();
    this.#lookSoon();
  }

  stop(): void {
    this.#isStopped = true;
    this.#notifier?.close();
    clearInterval(this.#poller);
    clearTimeout(this.#pending);
  }

  /** Notifications are an extra: without them (no such folder, no watches left) polling goes on. */
  #listen(): void {
    try {
      this.#notifier = watch(dirname(this.#file), { persistent: false }, () => this.#lookSoon());
      this.#notifier.on("error", () => this.#notifier?.close());
    } catch {
      this.#notifier = undefined;
    }
  }

  #lookSoon(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#pending);
    this.#pending = setTimeout(() => void this.#look(), this.#debounceMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return this.#lookSoon();
    this.#isLooking = true;
    const read = await readFile(this.#file, "utf8").then(
      (text) => ({ text }),
      (error: unknown) => ({ error }),
    );
    this.#isLooking = false;
    if (this.#isStopped || !this.#isSettled("text" in read ? read.text : UNREADABLE)) return;
    try {
      if ("error" in read) throw read.error;
      this.#onText(read.text);
    } catch (error) {
      this.#onError(error);
    }
  }

  /**
   * Whether this is news, and was the same at two looks in a row: writing in place empties the file first,
   * and replacing it may remove it first. An overlay that is empty for a moment would undo everything.
   */
  #isSettled(content: Content): boolean {
    const isSame = content === this.#candidate;
    this.#candidate = content;
    if (content === this.#seen) return false;
    if (!isSame) {
      this.#lookSoon();
      return false;
    }
    this.#seen = content;
    return true;
  }
}
