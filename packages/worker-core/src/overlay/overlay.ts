import type { OverlayDocument } from "./document.ts";
import type { EnvEntry } from "./environment.ts";
import { looseName } from "./key-names.ts";

/**
 * Options from outside the code: a file, and environment variables over it. Made by `loadOverlay`, laid
 * over a plugin's options by `overlayFor`.
 */
export interface Overlay {
  /** Absolute path of the file; undefined when there is none. */
  readonly file: string | undefined;
  /** The file as it was named, for messages. */
  readonly label: string | undefined;
  /** The file as it was read, to tell whether it changed. */
  readonly text: string | undefined;
  /** The file's content. */
  readonly document: OverlayDocument | undefined;
  /** The variables, in the order in which they apply. */
  readonly variables: readonly EnvEntry[];
  /**
   * Where the value at a path came from: `worker.yaml:3:7`, or an environment variable's name.
   *
   * @param path - from the overlay's root: `["plugins", "cron", "enabled"]`
   * @returns undefined for a path that the overlay does not have, such as an option set in code
   */
  readonly origin: (path: readonly (string | number)[]) => string | undefined;
}

/** {@link Overlay.origin} of a document and variables; variables apply last, so they are asked first. */
export function originIn(
  document: OverlayDocument | undefined,
  variables: readonly EnvEntry[],
  path: readonly (string | number)[],
): string | undefined {
  const variable = variables.findLast((entry) => isSetBy(entry, path))?.variable;
  return variable ?? document?.locate(path);
}

/** Whether a variable sets the value at the path, a part of it, or something that it is a part of. */
function isSetBy({ segments, value }: EnvEntry, path: readonly (string | number)[]): boolean {
  const shared = Math.min(segments.length, path.length);
  for (let index = 0; index < shared; index++) {
    if (looseName(segments[index] as string) !== looseName(String(path[index]))) return false;
  }
  return hasPath(value, path.slice(shared));
}

function hasPath(value: unknown, path: readonly (string | number)[]): boolean {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string | number, unknown>)[key];
  }
  return true;
}
