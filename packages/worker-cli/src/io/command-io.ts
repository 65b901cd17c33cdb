import type { CommandIo } from "@oppulence/worker-core";
import { redact } from "../redact.ts";
import { type Colors, createColors } from "./colors.ts";
import { askYesNo, type InputStream } from "./confirm.ts";
import { layFields } from "./fields.ts";
import type { Output } from "./output.ts";
import { printable } from "./printable.ts";
import { NO_PROGRESS, type ProgressBar, progressBar } from "./progress.ts";
import { type Column, columnsOf, layTable } from "./table.ts";
import { toJson } from "./to-json.ts";

/** What built-in commands print with: the contract's {@link CommandIo}, and a little more. */
export interface CliIo extends CommandIo {
  /** As in the contract; a column may be made from its row for people. */
  table(rows: readonly Record<string, unknown>[], columns?: readonly Column[]): void;
  /** JSON whatever the mode, on one line: for what has one shape for people and another for programs. */
  data(value: unknown): void;
  /** A line on standard error, whatever the mode. */
  log(text: string): void;
  /** A line on standard error with `--verbose`; nothing without. */
  trace(text: string): void;
  readonly colors: Colors;
  /** Standard input, for payloads. */
  readonly input: InputStream;
}

/** How a {@link CliIo} behaves. */
export interface IoSettings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: InputStream;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly yes: boolean;
  readonly verbose: boolean;
  readonly color: boolean | undefined;
  readonly signal: AbortSignal;
  /** Texts that are never printed; may grow once the config is read. */
  readonly secrets: readonly string[];
}

/** A {@link CliIo} and the way to end it. */
export interface OpenIo {
  readonly io: CliIo;
  /** Takes a bar off the screen that its command left there. */
  close(): void;
}

/**
 * Makes the {@link CliIo} of one command.
 *
 * With `--json` each `table`, `record` and `data` is one line of JSON on standard output, and nothing else
 * is printed there.
 */
export function openIo(settings: IoSettings): OpenIo {
  const { stdout, stderr, stdin, env, json, color, signal, secrets } = settings;
  const colors = createColors({ wish: color, env, isTty: stdout.isTty });
  const errorColors = createColors({ wish: color, env, isTty: stderr.isTty });
  let bar: ProgressBar | undefined;

  const print = (lines: readonly string[]) => {
    bar?.pause();
    for (const line of lines) stdout.write(`${line}\n`);
  };
  const warn = (text: string) => {
    bar?.pause();
    stderr.write(`${errorColors.yellow("warning:")} ${redact(printable(text), secrets)}\n`);
  };
  const log = (text: string) => {
    bar?.pause();
    stderr.write(`${redact(text, secrets)}\n`);
  };

  const io: CliIo = {
    json,
    signal,
    colors,
    input: stdin,
    data: (value) => print([toJson(value)]),
    table(rows, columns = columnsOf(rows)) {
      if (json) return io.data(rows);
      if (rows.length === 0) return print([colors.dim("none")]);
      print(layTable(rows, columns, { width: stdout.columns, colors }));
    },
    record(value) {
      if (json) return io.data(value);
      print(layFields(value, colors));
    },
    line(text) {
      if (!json) print([redact(printable(text), secrets)]);
    },
    warn,
    log,
    trace(text) {
      if (settings.verbose) log(errorColors.dim(text));
    },
    progress(label, total) {
      bar?.done();
      bar = json || !stderr.isTty ? NO_PROGRESS : progressBar(stderr, label, total);
      return bar;
    },
    async confirm(question) {
      if (settings.yes) return true;
      if (json || stdin.isTTY !== true || !stderr.isTty) {
        warn(`${question} There is no terminal to ask on: say --yes to go ahead`);
        return false;
      }
      bar?.pause();
      return askYesNo(redact(printable(question), secrets), stdin, stderr.stream, signal);
    },
  };
  return { io, close: () => bar?.done() };
}
