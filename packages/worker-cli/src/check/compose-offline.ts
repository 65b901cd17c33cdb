import {
  type Client,
  createClient,
  isConfigurationError,
  isInvalidOptionsError,
  isInvalidOverlayError,
  type WorkerOptions,
} from "@oppulence/worker-core";
import { messageOf } from "../message-of.ts";
import { type PrepareInput, toClientOptions } from "../worker-options.ts";
import { offlinePool } from "./offline-pool.ts";

/** A config put together without a database. */
export interface OfflineComposition {
  /** Undefined when the problems are such that nothing can be put together. */
  readonly client: Client | undefined;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/**
 * Puts plugins and tasks together without a database, and collects every problem.
 *
 * The core stops at the first part of a config that is wrong (its keys, the overlay, then plugins and
 * tasks together). Here a part that is wrong is left out and the rest is looked at again.
 */
export function composeOffline(options: WorkerOptions, input: PrepareInput): OfflineComposition {
  const problems: string[] = [];
  const { connectionString, ...rest } = toClientOptions(options, input);
  if (connectionString !== undefined && rest.pool !== undefined) {
    problems.push("got both pool and connectionString; give one of them");
  }
  let candidate: Readonly<Record<string, unknown>> = { ...rest, pool: offlinePool() };
  for (;;) {
    try {
      return { client: createClient(candidate), problems };
    } catch (error) {
      problems.push(...problemsOf(error));
      const next = withoutWhatIsWrong(candidate, error);
      if (next === undefined) return { client: undefined, problems };
      candidate = next;
    }
  }
}

/** Every problem that an error holds, one sentence each. */
export function problemsOf(error: unknown): string[] {
  if (isConfigurationError(error)) return [...error.problems];
  if (isInvalidOverlayError(error)) {
    return error.issues.map(({ path, message, origin }) =>
      sentence("config overlay", path, origin === undefined ? message : `${message} (from ${origin})`),
    );
  }
  if (isInvalidOptionsError(error)) {
    const where = error.where === "createClient" ? "config" : error.where;
    return error.issues.map(({ path, message }) => sentence(where, path, message));
  }
  return [messageOf(error)];
}

function sentence(where: string, path: string, message: string): string {
  return path === "" ? `${where}: ${message}` : `${where}: ${path}: ${message}`;
}

/** Undefined when there is nothing to leave out. */
function withoutWhatIsWrong(
  options: Readonly<Record<string, unknown>>,
  error: unknown,
): Readonly<Record<string, unknown>> | undefined {
  if (isInvalidOverlayError(error)) {
    return options.config === false ? undefined : { ...options, config: false };
  }
  if (!isInvalidOptionsError(error) || error.where !== "createClient") return undefined;
  const isKnown = (key: string) =>
    !error.issues.some(({ message }) => message.startsWith(`unknown option ${JSON.stringify(key)}`));
  const kept = Object.entries(options).filter(([key]) => isKnown(key));
  return kept.length === Object.keys(options).length ? undefined : Object.fromEntries(kept);
}
