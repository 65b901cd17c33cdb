import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext, CommandDefinition, OptionDefinition } from "./definition.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import { version } from "./version.ts";

/** The program's name. */
const PROGRAM = "oppulence-worker";

/** A command that was typed, with what was typed after it. */
export interface Chosen extends Pick<CommandContext, "args" | "options"> {
  readonly definition: CommandDefinition;
}

/** What a program is built of. */
export interface ProgramInput {
  readonly definitions: readonly CommandDefinition[];
  readonly onChosen: (chosen: Chosen) => void;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** Width of the help; undefined when the output is no terminal. */
  readonly width: number | undefined;
  /** Told which command's help is shown. */
  readonly onHelp: (command: Command) => void;
  /** Below the help of the program. */
  readonly footer: string;
}

const GROUPS: Readonly<Record<string, string>> = { jobs: "inspect and repair jobs" };

/** Builds the program. It prints and ends nothing by itself: commander throws instead of exiting. */
export function buildProgram(input: ProgramInput): Command {
  const program = base(new Command(PROGRAM), input)
    .description("Runs, migrates, checks and repairs Oppulence Worker.")
    .version(version(), "-V, --version", "print the version")
    .helpCommand("help [command]", "show help")
    .addHelpText("beforeAll", ({ command }) => {
      input.onHelp(command);
      return "";
    })
    .addHelpText("after", `\n${input.footer}`);
  for (const { flags, description } of GLOBAL_OPTIONS) program.option(flags, description);
  for (const definition of input.definitions) mount(program, definition, input);
  return program;
}

function base(command: Command, { writeOut, writeErr, width }: ProgramInput): Command {
  return command
    .helpOption("-h, --help", "show help")
    .exitOverride()
    .configureOutput({
      writeOut,
      writeErr,
      // Errors are told once, by whoever catches them.
      outputError: () => {},
      getOutHelpWidth: () => width ?? 100,
      getErrHelpWidth: () => width ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true });
}

function mount(program: Command, definition: CommandDefinition, input: ProgramInput): void {
  const words = definition.name.split(" ");
  const leaf = words.pop() as string;
  const parent = words.reduce((at, word) => groupIn(at, word, definition, input), program);
  const command = base(new Command(leaf), input).description(definition.description);
  command.helpGroup(headingOf(definition));
  for (const argument of definition.arguments ?? []) {
    command.addArgument(new Argument(argument.name, argument.description));
  }
  for (const option of definition.options ?? []) command.addOption(toOption(option));
  const { examples = [] } = definition;
  if (examples.length > 0) {
    const lines = examples.map((example) => `  ${PROGRAM} ${example}`);
    command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  }
  command.action(() => input.onChosen({ definition, ...valuesOf(command) }));
  parent.addCommand(command);
  describeGroup(parent, program);
}

/** Built-in commands under "Commands:", those of a plugin under its name. */
function headingOf({ plugin }: CommandDefinition): string {
  return plugin === undefined ? "Commands:" : `Plugin ${plugin}:`;
}

function groupIn(
  parent: Command,
  word: string,
  definition: CommandDefinition,
  input: ProgramInput,
): Command {
  const found = parent.commands.find((command) => command.name() === word);
  if (found !== undefined) return found;
  const group = base(new Command(word), input).helpGroup(headingOf(definition)).helpCommand(false);
  parent.addCommand(group);
  return group;
}

function describeGroup(group: Command, program: Command): void {
  if (group === program) return;
  const names = group.commands.map((command) => command.name()).join(", ");
  const about = GROUPS[group.name()];
  group.description(about === undefined ? names : `${about}: ${names}`);
}

function toOption({ flags, description, default: initial, repeatable, choices }: OptionDefinition) {
  const option = new Option(flags, description);
  if (initial !== undefined) option.default(initial);
  if (choices !== undefined) option.choices(choices);
  if (typeof initial === "number") option.argParser(toNumber);
  if (repeatable === true) collect(option);
  return option;
}

function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError("A number is needed.");
  return value;
}

/** Each time the option is given adds a value; commander's own variadic options would swallow arguments. */
function collect(option: Option): void {
  const parse = option.parseArg as ((value: string, previous: unknown) => unknown) | undefined;
  option.argParser((value: string, previous: readonly unknown[] = []) => [
    ...previous,
    parse === undefined ? value : parse(value, undefined),
  ]);
}

function valuesOf(command: Command): Pick<CommandContext, "args" | "options"> {
  const entries = command.registeredArguments.map((argument, at) => {
    const value = command.processedArgs[at] as string | string[] | undefined;
    return [argument.name(), value] as const;
  });
  return { args: Object.fromEntries(entries), options: command.opts() };
}
