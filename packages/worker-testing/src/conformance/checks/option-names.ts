import type { AnyPlugin } from "@oppulence/worker-core";

/** Misspelling shorter names may make another word of them. */
const SHORTEST = 5;
const MAX_NAMES = 3;

/**
 * Some names of a plugin's options that are long enough to be misspelt: those that are set, and those that
 * its schema knows if that is a zod object.
 */
export function optionNames({ options, optionsSchema }: AnyPlugin): readonly string[] {
  const shape = (optionsSchema as { readonly shape?: unknown } | undefined)?.shape;
  const names = [options, shape].flatMap((value) =>
    typeof value === "object" && value !== null ? Object.keys(value) : [],
  );
  if (optionsSchema === undefined) return [];
  return [...new Set(names)].filter((name) => name.length >= SHORTEST).slice(0, MAX_NAMES);
}

/** The name with its last letter twice. */
export function misspell(name: string): string {
  return `${name}${name.at(-1)}`;
}
