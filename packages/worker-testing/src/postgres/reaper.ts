import { lstatSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ownerIsAlive, readOwner } from "./owner.ts";
import { knownParents, RUN_FOLDER_PREFIX } from "./run-folder.ts";
import { endProcessesOf } from "./server-processes.ts";

/** A folder without an owner is one that is just being made; after this it is one whose maker died. */
const OWNERLESS_MS = 60_000;

const runFoldersIn = (parent: string): string[] => {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.startsWith(RUN_FOLDER_PREFIX))
      .map((entry) => join(parent, entry.name));
  } catch {
    return []; // not a folder of this platform, or not ours to read
  }
};

const isStale = (folder: string): boolean => {
  try {
    const { uid, mtimeMs } = lstatSync(folder);
    // Anyone may write to the temporary folder: what others put there is none of our business.
    if (uid !== process.getuid?.()) return false;
    const owner = readOwner(folder);
    return owner === undefined ? Date.now() - mtimeMs > OWNERLESS_MS : !ownerIsAlive(owner);
  } catch {
    return false; // another run has just removed it
  }
};

/** Removes a run folder, even while the last processes of its server are still going. */
export const removeRunFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });

/**
 * Ends the servers whose owner was killed before it could stop them, and removes their folders.
 *
 * {@link startPostgres} does this by itself. Servers of runs that are alive are left alone; so is
 * every process that is not provably the server of a folder made here. Runs that reap at the same
 * time do not disturb one another: each step is harmless when repeated.
 *
 * @param directory - a folder to look into beside the usual ones
 * @returns the folders that were removed; one that resists is left for the next start
 */
export const reapStaleServers = async (directory?: string): Promise<string[]> => {
  const stale = knownParents(directory).flatMap(runFoldersIn).filter(isStale);
  const results = await Promise.allSettled(
    stale.map(async (folder) => {
      await endProcessesOf(folder);
      await removeRunFolder(folder);
    }),
  );
  return stale.filter((_, index) => results[index]?.status === "fulfilled");
};
