import type { CommandOption } from "@oppulence/worker-core";

/** Options that every command takes, in any place. No command may have one of these names. */
export const GLOBAL_OPTIONS: readonly CommandOption[] = [
  {
    flags: "--config <file>",
    description: "the config; the nearest worker.config.{ts,mts,js,mjs} upwards unless given",
  },
  {
    flags: "--connection <string>",
    description:
      "PostgreSQL connection string, instead of the config's; DATABASE_URL does not show in `ps`",
  },
  { flags: "--json", description: "print JSON for programs, and nothing else, on standard output" },
  { flags: "--yes", description: "answer yes to every question" },
  { flags: "--color", description: "colour the output even when it is not a terminal" },
  { flags: "--no-color", description: "never colour the output; NO_COLOR does the same" },
  { flags: "--verbose", description: "show debug output and stack traces; DEBUG does the same" },
];

/** Values of {@link GLOBAL_OPTIONS}. */
export interface Globals {
  readonly config?: string;
  readonly connection?: string;
  readonly json: boolean;
  readonly yes: boolean;
  readonly color?: boolean;
  readonly verbose: boolean;
}

/** Makes {@link Globals} of what was parsed. */
export function toGlobals(
  options: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
): Globals {
  const { config, connection, json, yes, color, verbose } = options;
  return {
    ...(typeof config === "string" ? { config } : {}),
    ...(typeof connection === "string" ? { connection } : {}),
    ...(typeof color === "boolean" ? { color } : {}),
    json: json === true,
    yes: yes === true,
    verbose: verbose === true || isOn(env.DEBUG),
  };
}

function isOn(variable: string | undefined): boolean {
  return variable !== undefined && !["", "0", "false"].includes(variable.toLowerCase());
}
