import { type CommandInput, InvalidOptionsError } from "@oppulence/worker-core";

/** Values of a command's options. */
export type CommandValues = CommandInput["options"];

/** The value of an option that was given. */
export function text(value: CommandValues[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A positional argument that is needed. */
export function argument({ args }: Pick<CommandInput, "args">, name: string): string {
  return String(args[name]);
}

/** @throws InvalidOptionsError for anything but a whole number */
export function readInteger(value: CommandValues[string], flag: string): number | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw wrong(flag, `got ${JSON.stringify(given)}; it is a whole number`);
}

/** @throws InvalidOptionsError for what is not JSON */
export function readJson(value: string | undefined, flag: string): unknown {
  if (value === undefined) return undefined;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw wrong(flag, `is not JSON: ${(error as Error).message}`);
  }
}

/** @throws InvalidOptionsError for anything but one of these */
export function readOne<T extends string>(
  value: CommandValues[string],
  flag: string,
  known: readonly T[],
): T | undefined {
  const given = text(value);
  if (given === undefined) return undefined;
  if (known.includes(given as T)) return given as T;
  throw wrong(flag, `got ${JSON.stringify(given)}; it is one of ${known.join(", ")}`);
}

function wrong(path: string, message: string): InvalidOptionsError {
  return new InvalidOptionsError("workflow", [{ path, message }]);
}
