import type { RunReport } from "./postgres-ledger.ts";

/** What {@link Recorder} needs. */
export interface RecorderInput {
  readonly write: (reports: readonly RunReport[]) => Promise<void>;
  /** Starts are not awaited by anybody: told here when they cannot be written. */
  readonly onError: (error: unknown) => void;
}

const MOST_AT_ONCE = 1_000;

/**
 * Writes what happens in runs, many in one statement: those of one tick, and those that gather while a
 * statement is under way. Of one run the last report counts.
 */
export class Recorder {
  readonly #input: RecorderInput;
  #waiting = new Map<string, RunReport>();
  #next: Promise<void> | undefined;
  #current: Promise<unknown> = Promise.resolve();

  constructor(input: RecorderInput) {
    this.#input = input;
  }

  /** @returns settles once it is written */
  record(report: RunReport): Promise<void> {
    this.#waiting.set(`${report.slot} ${report.key}`, report);
    this.#next ??= this.#afterCurrent();
    return this.#next;
  }

  /** Records without anybody waiting for it. */
  note(report: RunReport): void {
    this.record(report).catch(this.#input.onError);
  }

  /** Resolves once all that was recorded is written, or has failed to be. */
  async settle(): Promise<void> {
    await (this.#next ?? this.#current).then(undefined, () => {});
  }

  async #afterCurrent(): Promise<void> {
    await this.#current.then(undefined, () => {});
    this.#next = undefined;
    const reports = [...this.#waiting.values()];
    this.#waiting = new Map();
    const writing = this.#writeAll(reports);
    this.#current = writing;
    await writing;
  }

  async #writeAll(reports: readonly RunReport[]): Promise<void> {
    for (let from = 0; from < reports.length; from += MOST_AT_ONCE)
      await this.#input.write(reports.slice(from, from + MOST_AT_ONCE));
  }
}
