import { type Command, CommanderError } from "commander";
import type { CommandDefinition } from "./definition.ts";
import { UsageError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { buildProgram, type Chosen } from "./program.ts";

/** What a command line asks for. */
export type Parsed = { readonly options: Readonly<Record<string, unknown>> } & (
  | { readonly kind: "run"; readonly chosen: Chosen }
  | {
      /** Help or the version; `isError` when a command was missing. */
      readonly kind: "print";
      readonly text: string;
      readonly isError: boolean;
      /** Whether commands of plugins could be part of it. */
      readonly isListing: boolean;
      readonly exitCode: number;
    }
  | { readonly kind: "unknown"; readonly error: UsageError }
);

/** What {@link parseCommandLine} needs. */
export interface ParseInput {
  readonly definitions: readonly CommandDefinition[];
  readonly width: number | undefined;
  readonly footer: string;
}

/**
 * Parses a command line. Nothing is printed and nothing is run.
 *
 * @param argv - without the interpreter and the script
 * @throws UsageError for anything that cannot be parsed, but for an unknown command: that may be one of a
 * plugin, whose config is not read yet
 */
export function parseCommandLine(argv: readonly string[], input: ParseInput): Parsed {
  let chosen: Chosen | undefined;
  let helped: Command | undefined;
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const program = buildProgram({
    ...input,
    onChosen: (found) => {
      chosen = found;
    },
    onHelp: (command) => {
      helped = command;
    },
    writeOut: write,
    writeErr: write,
  });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const options = program.opts();
    if (error.code === "commander.unknownCommand") {
      return { kind: "unknown", error: new UsageError(onOneLine(error.message)), options };
    }
    if (error.code === "commander.version" || error.code.startsWith("commander.help")) {
      const isError = error.exitCode !== 0;
      const isListing = helped !== undefined && helped.commands.length > 0;
      const exitCode = isError ? EXIT.usage : EXIT.ok;
      return { kind: "print", text, isError, isListing, exitCode, options };
    }
    throw new UsageError(onOneLine(error.message));
  }
  if (chosen === undefined) throw new UsageError("nothing to do");
  return { kind: "run", chosen, options: program.opts() };
}

/** `error: unknown option '--limt' (Did you mean --limit?)`, without the prefix. */
function onOneLine(message: string): string {
  return message.replace(/^error: /, "").replaceAll("\n", " ");
}
