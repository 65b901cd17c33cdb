import { type OverlaidOptions, resolveOptions } from "../compose/resolve-options.ts";
import type { AnyPlugin } from "../contract/plugin.ts";
import { assertEngineOptions, ENGINE_OPTIONS, type WorkerOptions } from "../options.ts";
import { Problems } from "../problems.ts";
import { schemaKeys } from "../schema-keys.ts";
import { checkOverlayNames, overlayFor, overlayForWorker } from "./apply.ts";
import { loadOverlay } from "./load.ts";
import type { Overlay } from "./overlay.ts";

/** What the code's options are with an overlay over them. */
export interface LaidOver {
  /** Undefined where overlays are ignored. */
  readonly overlay: Overlay | undefined;
  /** graphile-worker's options. */
  readonly worker: GraphileConfig.WorkerOptions;
  /** A plugin's, not validated yet. */
  readonly forPlugin: (plugin: AnyPlugin) => OverlaidOptions;
}

/** The part of a worker's options that an overlay changes, and where it comes from. */
type Overlayable = Pick<WorkerOptions, "config" | "plugins" | "worker">;

/**
 * Reads the overlay and lays it over the options. It names only what is there.
 *
 * @throws InvalidOverlayError
 */
export function readOverlay(options: Overlayable): LaidOver {
  if (options.config === false) return withoutOverlay(options);
  return layOver(loadOverlay(options.config ?? {}), options);
}

/** The options as the code has them. */
export function withoutOverlay({ worker = {} }: Overlayable): LaidOver {
  const forPlugin = (plugin: AnyPlugin) => ({ enabled: true, options: plugin.options });
  return { overlay: undefined, worker, forPlugin };
}

function layOver(overlay: Overlay, { plugins = [], worker = {} }: Overlayable): LaidOver {
  checkOverlayNames(
    overlay,
    plugins.flatMap((plugin) => plugin?.name ?? []),
  );
  return {
    overlay,
    worker: overlayForWorker(overlay, worker, ENGINE_OPTIONS),
    forPlugin: (plugin) => ({
      ...overlayFor(overlay, plugin.name, plugin.options, (path) =>
        schemaKeys(plugin.optionsSchema, path),
      ),
      origin: (path) => overlay.origin(["plugins", plugin.name, ...path]),
    }),
  };
}

/** A plugin's options under an overlay: as they were given to its schema, and as that completed them. */
export interface ResolvedPlugin {
  readonly enabled: boolean;
  readonly raw: unknown;
  readonly options: unknown;
}

/**
 * Lays an overlay over the options and validates all of them, as at start.
 *
 * @throws what is wrong, all of it: then nothing of the overlay is to be used
 */
export function resolveOverlay(
  overlay: Overlay,
  options: Overlayable,
): ReadonlyMap<AnyPlugin, ResolvedPlugin> {
  const { worker, forPlugin } = layOver(overlay, options);
  const problems = new Problems();
  const resolved = new Map<AnyPlugin, ResolvedPlugin>();
  problems.attempt(() => assertEngineOptions(worker));
  for (const plugin of options.plugins ?? []) {
    problems.attempt(() => {
      const overlaid = forPlugin(plugin);
      const { enabled, options: raw } = overlaid;
      resolved.set(plugin, { enabled, raw, options: resolveOptions(plugin, overlaid) });
    });
  }
  problems.throwIfAny();
  return resolved;
}
