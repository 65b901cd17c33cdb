import type { Writable } from "node:stream";

/** A stream to write to: `process.stdout` and its like. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Codes of a stream whose reader has gone away. */
const CLOSED = new Set(["EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"]);
const DEFAULT_COLUMNS = 80;

/** Writes to a stream whose reader may go away (`| head`): that is no error, what follows is dropped. */
export class Output {
  readonly #stream: OutputStream;
  readonly #onClosed: () => void;
  #closed = false;
  #failure: Error | undefined;

  /**
   * @param onClosed - told once, when the reader has gone away
   */
  constructor(stream: OutputStream, onClosed: () => void = () => {}) {
    this.#stream = stream;
    this.#onClosed = onClosed;
    stream.on("error", this.#onError);
  }

  readonly #onError = (error: Error): void => {
    if (this.#closed) return;
    this.#closed = true;
    if (!CLOSED.has((error as NodeJS.ErrnoException).code ?? "")) this.#failure = error;
    this.#onClosed();
  };

  /** Whether it is a terminal. */
  get isTty(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Columns of the terminal; undefined when it is none. */
  get columns(): number | undefined {
    return this.isTty ? this.#stream.columns || DEFAULT_COLUMNS : undefined;
  }

  /** The stream itself, for what draws on terminals. */
  get stream(): OutputStream {
    return this.#stream;
  }

  write(text: string): void {
    if (!this.#closed) this.#stream.write(text);
  }

  /**
   * Resolves once everything written has been taken by the system. Pipes are asynchronous on some
   * systems: a process that exits before loses the end of its output.
   *
   * @returns why the output was not taken, such as a full disk; undefined when it was, or nobody reads
   */
  async flush(): Promise<Error | undefined> {
    if (!this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stream.once("close", resolve);
      this.#stream.write("", () => resolve());
      await promise;
      this.#stream.off("close", resolve);
    }
    return this.#failure;
  }

  /** Takes the listener off a stream that lives on; broken pipes may still report. */
  release(): void {
    if (!this.#closed) this.#stream.off("error", this.#onError);
  }
}
