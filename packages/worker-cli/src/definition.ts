import type { Command, CommandArgument, CommandInput, CommandOption } from "@oppulence/worker-core";
import type { CliIo } from "./io/command-io.ts";
import type { Session } from "./session.ts";

/** An option of a command: the contract's, and what built-in commands need besides. */
export interface OptionDefinition extends CommandOption {
  /** May be given more than once; its value is then an array. */
  readonly repeatable?: boolean;
  /** The only values it takes. */
  readonly choices?: readonly string[];
}

/** What a built-in command is run with. */
export interface CommandContext extends CommandInput {
  readonly io: CliIo;
  readonly session: Session;
}

/** A command that can be mounted: built in, or made from what a plugin contributes. */
export interface CommandDefinition {
  /** Words as typed: `"jobs list"`. */
  readonly name: string;
  readonly description: string;
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly OptionDefinition[];
  /** Command lines for the help, without the program's name. */
  readonly examples?: readonly string[];
  /** The plugin that contributes it; undefined for a built-in command. */
  readonly plugin?: string;
  /** @returns the exit code, 0 when undefined */
  readonly run: (context: CommandContext) => Promise<number | void>;
}

/**
 * Makes a definition of a command that a plugin contributes: it runs once the plugins are started.
 *
 * @param command - as an instance that was set up without a database has it; what is run is the same command
 * of the instance that has one
 */
export function contributed(plugin: string, command: Command): CommandDefinition {
  return {
    name: command.name,
    description: command.description,
    plugin,
    ...(command.arguments === undefined ? {} : { arguments: command.arguments }),
    ...(command.options === undefined ? {} : { options: command.options }),
    async run({ args, options, io, session }) {
      const { composition } = await session.started();
      const owner = composition.installed.find((installed) => installed.plugin.name === plugin);
      const live = owner?.instance.commands?.find(({ name }) => name === command.name);
      return (live ?? command).run({ args, options, io });
    },
  };
}
