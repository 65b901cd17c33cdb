import type { AnyPlugin } from "../contract/plugin.ts";
import { validateOptions } from "../validate.ts";

/** A plugin's options with the overlay applied, not validated yet. */
export interface OverlaidOptions {
  readonly enabled: boolean;
  readonly options: unknown;
  /** Where the value at a path came from, if not from code. */
  readonly origin?: (path: readonly (string | number)[]) => string | undefined;
}

/**
 * Validates a plugin's options by its schema, which completes them.
 *
 * @throws InvalidOptionsError; Error for options of a plugin that takes none
 */
export function resolveOptions(
  plugin: AnyPlugin,
  { options, origin }: Pick<OverlaidOptions, "options" | "origin">,
): unknown {
  if (plugin.optionsSchema === undefined) return noOptions(plugin, options);
  const where = `plugin ${plugin.name}`;
  return validateOptions(plugin.optionsSchema, options ?? {}, where, { origin });
}

function noOptions(plugin: AnyPlugin, raw: unknown): undefined {
  if (raw !== undefined && raw !== null && Object.keys(raw).length > 0) {
    throw new Error(`plugin ${plugin.name} takes no options, got ${Object.keys(raw).join(", ")}`);
  }
  return undefined;
}
