import type { Client, CommandInput, CommandIo } from "@oppulence/worker-core";

/** What a command is called with, for {@link CommandLine}; what is left out is empty. */
export interface CommandCall extends Partial<Pick<CommandInput, "args" | "options">> {
  /** As with `--json`. @defaultValue `false` */
  readonly json?: boolean;
}

/** What {@link commandLine} makes. */
export interface CommandLine {
  /**
   * Runs a command that a plugin contributes.
   *
   * @returns its exit code
   * @throws Error for a command that is not there; what the command throws
   */
  run(name: string, call?: CommandCall): ReturnType<Client["commands"][number]["run"]>;
  /** What the last command printed: a line as it is, a row as its values in a line, a record as JSON. */
  readonly printed: readonly string[];
  /** What all commands asked to be confirmed. */
  readonly asked: readonly string[];
}

/**
 * The commands of a worker or client, without a terminal, for tests of a plugin's commands.
 *
 * @param says - the answer to every question
 */
export function commandLine({ commands }: Pick<Client, "commands">, says = true): CommandLine {
  const printed: string[] = [];
  const asked: string[] = [];
  const ioOf = (json: boolean): CommandIo => ({
    json,
    signal: new AbortController().signal,
    table: (rows, columns) =>
      void printed.push(
        ...rows.map((row) =>
          (columns ?? Object.keys(row)).map((key) => String(row[key])).join(" "),
        ),
      ),
    record: (value) => void printed.push(JSON.stringify(value)),
    line: (text) => void printed.push(text),
    warn: (text) => void printed.push(`warning: ${text}`),
    progress: () => ({ update() {}, done() {} }),
    confirm: async (question) => {
      asked.push(question);
      return says;
    },
  });
  return {
    printed,
    asked,
    run(name, { args = {}, options = {}, json = false } = {}) {
      printed.length = 0;
      const command = commands.find((one) => one.name === name);
      if (command === undefined) throw new Error(`no command ${name}`);
      return command.run({ args, options, io: ioOf(json) });
    },
  };
}
