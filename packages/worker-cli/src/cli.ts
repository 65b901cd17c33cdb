import { inspect } from "node:util";
import { composeOffline } from "./check/compose-offline.ts";
import { BUILT_IN_COMMANDS } from "./commands/built-in-commands.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { type ContributedCommands, contributedCommands } from "./contributed-commands.ts";
import type { CommandDefinition } from "./definition.ts";
import { InvalidCommandError, UsageError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { type Globals, toGlobals } from "./global-options.ts";
import { interruptible } from "./interrupt.ts";
import { createColors } from "./io/colors.ts";
import { type OpenIo, openIo } from "./io/command-io.ts";
import type { InputStream } from "./io/confirm.ts";
import type { Output } from "./io/output.ts";
import { printable } from "./io/printable.ts";
import { toJson } from "./io/to-json.ts";
import { quietLogger } from "./logger.ts";
import { messageOf } from "./message-of.ts";
import { type Parsed, parseCommandLine } from "./parse-command-line.ts";
import type { Chosen } from "./program.ts";
import { redact } from "./redact.ts";
import { toReport } from "./report.ts";
import { Session } from "./session.ts";

/** Where a {@link Cli} prints and reads. */
export interface CliStreams {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: InputStream;
}

/** What a {@link Cli} is given. */
export interface CliInput {
  readonly streams: CliStreams;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly given: LoadedConfig | undefined;
  readonly signal: AbortSignal;
  /** Aborts when nobody reads standard output any more. */
  readonly readerGone: AbortSignal;
  readonly onCommand: (name: string) => void;
}

const FOOTER = `Exit codes: 0 done, 1 failed, 2 bad input, 3 nothing found, 128 + n ended by signal n.`;

/** One command line from its arguments to its exit code. */
export class Cli {
  readonly #argv: readonly string[];
  readonly #input: CliInput;
  readonly #secrets: string[] = [];
  #globals: Globals;
  /** Loaded once: a config that is loaded runs the application's modules. */
  #config: LoadedConfig | undefined;

  constructor(argv: readonly string[], input: CliInput) {
    this.#argv = argv;
    this.#input = input;
    this.#config = input.given;
    // Until the arguments are parsed, so that what is wrong with them can be told in the right way.
    const typed = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
    this.#globals = toGlobals(
      { json: typed.includes("--json"), verbose: typed.includes("--verbose") },
      input.env,
    );
  }

  /** Runs it. @returns the exit code; whatever goes wrong has been told */
  async run(): Promise<number> {
    try {
      const parsed = this.#parse(BUILT_IN_COMMANDS);
      if (parsed.kind === "run") return await this.#runChosen(parsed.chosen);
      if (parsed.kind === "unknown") return await this.#runContributed(parsed.error);
      return await this.#print(parsed);
    } catch (error) {
      return this.#report(error);
    }
  }

  /** A line on standard error. */
  warn(text: string): void {
    this.#input.streams.stderr.write(`${redact(printable(text), this.#secrets)}\n`);
  }

  #parse(definitions: readonly CommandDefinition[], footer: string = FOOTER): Parsed {
    const width = this.#input.streams.stdout.columns;
    const parsed = parseCommandLine(this.#argv, { definitions, width, footer });
    this.#globals = toGlobals(parsed.options, this.#input.env);
    return parsed;
  }

  async #print(parsed: Extract<Parsed, { kind: "print" }>): Promise<number> {
    const { stdout, stderr } = this.#input.streams;
    if (parsed.isError && this.#globals.json) throw new UsageError("a command is missing");
    const { text } = parsed.isListing ? await this.#listing(parsed) : parsed;
    (parsed.isError ? stderr : stdout).write(text);
    return parsed.exitCode;
  }

  /** The same help with the commands of plugins, where a config says which there are. */
  async #listing(parsed: Extract<Parsed, { kind: "print" }>): Promise<{ readonly text: string }> {
    let definitions: readonly CommandDefinition[];
    let footer = FOOTER;
    try {
      definitions = (await this.#contributed()).definitions;
    } catch (error) {
      definitions = [];
      footer = `${FOOTER}\nCommands of plugins are not listed: ${redact(printable(messageOf(error)), this.#secrets)}`;
    }
    const again = this.#parse([...BUILT_IN_COMMANDS, ...definitions], footer);
    return again.kind === "print" ? again : parsed;
  }

  async #runContributed(unknown: UsageError): Promise<number> {
    let found: ContributedCommands;
    try {
      found = await this.#contributed();
    } catch (error) {
      throw new UsageError(
        `${unknown.message}; commands of plugins are not known: ${messageOf(error)}`,
        { cause: error },
      );
    }
    const parsed = this.#parse([...BUILT_IN_COMMANDS, ...found.definitions]);
    if (parsed.kind === "run") return this.#runChosen(parsed.chosen);
    if (parsed.kind === "print") {
      this.#input.streams[parsed.isError ? "stderr" : "stdout"].write(parsed.text);
      return parsed.exitCode;
    }
    // What was typed may be one of those that could not be mounted.
    if (found.problems.length > 0) throw new InvalidCommandError(found.problems);
    throw parsed.error;
  }

  async #contributed(): Promise<ContributedCommands> {
    const { io } = this.#openIo();
    const session = this.#session(io);
    this.#config = await session.config();
    const { options } = this.#config;
    return contributedCommands(composeOffline(options, session.input), BUILT_IN_COMMANDS);
  }

  async #runChosen({ definition, args, options }: Chosen): Promise<number> {
    const { onCommand, signal, readerGone } = this.#input;
    onCommand(definition.name);
    // A worker outlives its reader, and a signal is how it is stopped: it ends by itself.
    const isWorker = definition.name === "run" && definition.plugin === undefined;
    const stop = isWorker ? signal : AbortSignal.any([signal, readerGone]);
    const open = this.#openIo(stop);
    const session = this.#session(open.io);
    try {
      const running = () => definition.run({ args, options, io: open.io, session });
      const code = await (isWorker ? running() : interruptible(running, stop));
      return typeof code === "number" ? code : EXIT.ok;
    } catch (error) {
      if (readerGone.aborted && !signal.aborted) return EXIT.ok;
      throw error;
    } finally {
      open.close();
      await session.close();
    }
  }

  #openIo(signal: AbortSignal = this.#input.signal): OpenIo {
    const { streams, env } = this.#input;
    const { json, yes, verbose, color } = this.#globals;
    return openIo({ ...streams, env, json, yes, verbose, color, signal, secrets: this.#secrets });
  }

  #session(io: OpenIo["io"]): Session {
    const { env, cwd } = this.#input;
    const { config: configFile, connection } = this.#globals;
    return new Session({
      env,
      cwd,
      given: this.#config,
      configFile,
      connection,
      logger: quietLogger(io),
      secrets: this.#secrets,
    });
  }

  #report(error: unknown): number {
    const { streams, env } = this.#input;
    const { json, verbose, color } = this.#globals;
    const { code, message, exitCode } = toReport(error);
    const text = redact(message, this.#secrets);
    const colors = createColors({ wish: color, env, isTty: streams.stderr.isTty });
    if (json) streams.stdout.write(`${toJson({ error: { code, message: text } })}\n`);
    else streams.stderr.write(`${colors.red("error:")} ${printable(text)}\n`);
    if (verbose) streams.stderr.write(`${redact(inspect(error, { depth: 2 }), this.#secrets)}\n`);
    return exitCode;
  }
}
