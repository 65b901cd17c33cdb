import type { Composition } from "@oppulence/worker-core";
import { type CommandDefinition, contributed } from "./definition.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";

const WORD = /^[a-z][a-z0-9-]*$/;
const ARGUMENT = /^(?:<[a-z][\w-]*(?:\.\.\.)?>|\[[a-z][\w-]*(?:\.\.\.)?\])$/i;
const FLAGS =
  /^(?:-[a-z], )?--(?:no-)?[a-z][a-z0-9-]*(?: (?:<[\w=-]+(?:\.\.\.)?>|\[[\w=-]+(?:\.\.\.)?\]))?$/i;
/** Flags of the program's own that are not among the global options. */
const OWN_FLAGS = ["-h", "--help", "-V", "--version"];

/** Commands of plugins that can be mounted, and what is wrong with the others. */
export interface ContributedCommands {
  readonly definitions: readonly CommandDefinition[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/**
 * The commands that enabled plugins contribute.
 *
 * @param builtIn - commands whose names are taken
 */
export function contributedCommands(
  composition: Pick<Composition, "installed">,
  builtIn: readonly CommandDefinition[],
): ContributedCommands {
  const definitions = composition.installed
    .filter(({ enabled }) => enabled)
    .flatMap(({ plugin, instance }) =>
      (instance.commands ?? []).map((command) => contributed(plugin.name, command)),
    );
  const accepted: CommandDefinition[] = [];
  const problems: string[] = [];
  for (const definition of definitions) {
    const found = [...shapeProblems(definition), ...clashes(definition, [...builtIn, ...accepted])];
    if (found.length === 0) accepted.push(definition);
    problems.push(...found.map((problem) => `${nameOf(definition)}: ${problem}`));
  }
  return { definitions: accepted, problems };
}

function nameOf({ name, plugin }: CommandDefinition): string {
  const command = `command ${JSON.stringify(name)}`;
  return plugin === undefined ? `the built-in ${command}` : `${command} of plugin ${plugin}`;
}

function clashes(definition: CommandDefinition, taken: readonly CommandDefinition[]): string[] {
  const other = taken.find(({ name }) => isSameOrInside(name, definition.name));
  if (other === undefined) return [];
  if (other.name === definition.name) return [`${nameOf(other)} has the same name`];
  return [`${nameOf(other)} is in the way: a command cannot have commands below it`];
}

function isSameOrInside(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other} `) || other.startsWith(`${one} `);
}

function shapeProblems(definition: CommandDefinition): string[] {
  const words = definition.name.split(" ");
  const problems: string[] = [];
  if (!words.every((word) => WORD.test(word))) {
    problems.push("a name is words of a–z, 0–9 and -, with one space between them");
  } else if (words.includes("help")) {
    problems.push('"help" is the program\'s own');
  }
  return [...problems, ...argumentProblems(definition), ...optionProblems(definition)];
}

function argumentProblems({ arguments: all = [] }: CommandDefinition): string[] {
  const problems = all
    .filter(({ name }) => !ARGUMENT.test(name))
    .map(({ name }) => `argument ${JSON.stringify(name)}: write "<id>", "[id]" or "[ids...]"`);
  const variadic = all.findIndex(({ name }) => name.includes("..."));
  if (variadic >= 0 && variadic < all.length - 1) {
    problems.push(
      `argument ${JSON.stringify(all[variadic]?.name)}: only the last one may have "..."`,
    );
  }
  return problems;
}

function optionProblems({ options = [] }: CommandDefinition): string[] {
  const own = new Set([...OWN_FLAGS, ...GLOBAL_OPTIONS.flatMap(({ flags }) => flagsIn(flags))]);
  const seen = new Set<string>();
  return options.flatMap(({ flags }) => {
    const where = `option ${JSON.stringify(flags)}`;
    if (!FLAGS.test(flags))
      return [`${where}: write "--force", "--task <identifier>" or "-t, --task <identifier>"`];
    return flagsIn(flags).flatMap((flag) => {
      if (own.has(flag)) return [`${where}: ${flag} is a global option`];
      if (seen.has(flag)) return [`${where}: ${flag} is there twice`];
      seen.add(flag);
      return [];
    });
  });
}

function flagsIn(flags: string): string[] {
  return flags.split(/[ ,]+/).filter((part) => part.startsWith("-"));
}
