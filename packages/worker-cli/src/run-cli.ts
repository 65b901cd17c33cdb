import type { WorkerOptions } from "@oppulence/worker-core";
import { Cli, type CliStreams } from "./cli.ts";
import type { InputStream } from "./io/confirm.ts";
import { Output, type OutputStream } from "./io/output.ts";

/** Where a command line runs; everything is the process's own unless given. */
export interface RunCliOptions {
  readonly stdout?: OutputStream;
  readonly stderr?: OutputStream;
  /** Asked for confirmations when it is a terminal, and read by `jobs add --payload -`. */
  readonly stdin?: InputStream;
  readonly env?: NodeJS.ProcessEnv;
  /** Where the config is looked for, and what relative paths are relative to. */
  readonly cwd?: string;
  /** Stops a worker that `run` runs, and interrupts every other command. */
  readonly signal?: AbortSignal;
  /** Used instead of a config file. */
  readonly config?: WorkerOptions;
  /** Told which command is about to run: `"jobs list"`. */
  readonly onCommand?: (name: string) => void;
}

/**
 * Runs a command line. Never throws, never ends the process, and returns once the output is written.
 *
 * @param argv - the arguments, without the interpreter and the script: `["jobs", "list"]`
 * @returns the exit code: 0 done, 1 failed, 2 bad input, 3 nothing found, 128 + n ended by signal n
 *
 * @example
 * process.exitCode = await runCli(process.argv.slice(2), { config });
 */
export async function runCli(
  argv: readonly string[],
  options: RunCliOptions = {},
): Promise<number> {
  const readerGone = new AbortController();
  const streams: CliStreams = {
    stdout: new Output(options.stdout ?? process.stdout, () => readerGone.abort()),
    stderr: new Output(options.stderr ?? process.stderr),
    stdin: options.stdin ?? process.stdin,
  };
  const cli = new Cli(argv, {
    streams,
    env: options.env ?? process.env,
    cwd: options.cwd ?? process.cwd(),
    given:
      options.config === undefined
        ? undefined
        : { options: options.config, file: undefined, label: "config", loader: "caller" },
    signal: options.signal ?? new AbortController().signal,
    readerGone: readerGone.signal,
    onCommand: options.onCommand ?? (() => {}),
  });
  const code = await cli.run();
  const unwritten = await streams.stdout.flush();
  if (unwritten !== undefined) cli.warn(`the output could not be written: ${unwritten.message}`);
  await streams.stderr.flush();
  streams.stdout.release();
  streams.stderr.release();
  return unwritten !== undefined && code === 0 ? 1 : code;
}
