import type { CommandDefinition, OptionDefinition } from "../src/definition.ts";

/** The README's reference of commands, from the same definitions as the commands and their help. */
export function renderCommands(definitions: readonly CommandDefinition[]): string {
  return definitions.map(renderCommand).join("\n\n");
}

/** A table of options. */
export function renderOptions(options: readonly OptionDefinition[]): string {
  return renderTable(
    "option",
    options.map(({ flags, ...option }) => [flags, about(option)]),
  );
}

function renderCommand(definition: CommandDefinition): string {
  const { name, description, arguments: args = [], options = [], examples = [] } = definition;
  const usage = [
    name,
    ...args.map((argument) => argument.name),
    ...(options.length > 0 ? ["[options]"] : []),
  ];
  const parts = [
    `### \`${usage.join(" ")}\``,
    sentence(description),
    ...(args.length > 0
      ? [
          renderTable(
            "argument",
            args.map(({ name: arg, description: text }) => [arg, text]),
          ),
        ]
      : []),
    ...(options.length > 0 ? [renderOptions(options)] : []),
    ...(examples.length > 0
      ? [["```sh", ...examples.map((example) => `oppulence-worker ${example}`), "```"].join("\n")]
      : []),
  ];
  return parts.join("\n\n");
}

function about({
  description,
  choices,
  default: initial,
}: Omit<OptionDefinition, "flags">): string {
  const values =
    choices === undefined ? "" : ` (${choices.map((choice) => `\`${choice}\``).join(", ")})`;
  return description + values + (initial === undefined ? "" : `; \`${initial}\` unless given`);
}

function renderTable(head: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, text]) => `| \`${name}\` | ${text.replaceAll("|", "\\|")} |`);
  return [`| ${head} | |`, "| --- | --- |", ...lines].join("\n");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
