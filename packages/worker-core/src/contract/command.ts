/** One option of a {@link Command}. */
export interface CommandOption {
  /** As typed, with its value's name: `"--task <identifier>"`, `"--force"`. */
  readonly flags: string;
  readonly description: string;
  readonly default?: string | number | boolean;
}

/** One positional argument of a {@link Command}. */
export interface CommandArgument {
  /** As shown: `"<id>"` (needed), `"[ids...]"` (any number). */
  readonly name: string;
  readonly description: string;
}

/** What a command prints with and learns from the terminal. */
export interface CommandIo {
  /** A table for people; with `--json` the rows as one JSON array. */
  table(rows: readonly Record<string, unknown>[], columns?: readonly string[]): void;
  /** One object: fields under one another for people, JSON with `--json`. */
  record(value: Record<string, unknown>): void;
  /** A line for people; nothing with `--json`. */
  line(text: string): void;
  /** A warning or error line on standard error. */
  warn(text: string): void;
  /** Shows progress when the work takes longer than a second; `total` undefined when unknown. */
  progress(label: string, total?: number): { update(done: number): void; done(): void };
  /** Asks yes or no on a terminal; false when there is none, unless `--yes` was given. */
  confirm(question: string): Promise<boolean>;
  readonly json: boolean;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What a {@link Command} is run with. */
export interface CommandInput {
  /** Positional arguments by name, without brackets; a variadic one is an array. */
  readonly args: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Options by camelCase name. */
  readonly options: Readonly<
    Record<string, string | number | boolean | readonly string[] | undefined>
  >;
  readonly io: CommandIo;
}

/** A CLI command that a plugin contributes: `oppulence-worker <name> …`. */
export interface Command {
  /** Words as typed: `"dlq list"`. */
  readonly name: string;
  readonly description: string;
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly CommandOption[];
  /**
   * Does the work; the database is reachable and the plugin set up.
   *
   * @returns the exit code, 0 when undefined: 1 something failed, 2 bad input, 3 found nothing
   */
  readonly run: (input: CommandInput) => Promise<number | void>;
}
