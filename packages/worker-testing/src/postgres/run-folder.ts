import { chmodSync, existsSync, mkdtempSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { TestPostgresError } from "./errors.ts";
import { writeOwner } from "./owner.ts";
import { mayEnter, type ServerUser } from "./server-user.ts";

/** Every folder made here begins so; the reaper looks at nothing else. */
export const RUN_FOLDER_PREFIX = "oppulence-postgres-";

const MEMORY_FOLDER = "/dev/shm";
const ROOM_BYTES = 2 * 1024 ** 3;

const memoryFolderHasRoom = (): boolean => {
  if (!existsSync(MEMORY_FOLDER)) return false;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return Math.min(bavail * bsize, freemem()) >= ROOM_BYTES;
};

/** The folder that run folders are made in, unless the caller names one. */
export const defaultParent = (durable: boolean): string =>
  !durable && memoryFolderHasRoom() ? MEMORY_FOLDER : tmpdir();

/** Every folder in which an earlier run may have left something. */
export const knownParents = (directory?: string): string[] => [
  ...new Set([tmpdir(), MEMORY_FOLDER, ...(directory === undefined ? [] : [directory])]),
];

/**
 * Makes a folder that this process owns.
 * @param user - the server's user, who has to be able to enter it
 * @throws {@link TestPostgresError} `DATA_DIRECTORY`
 */
export const createRunFolder = (parent: string, user: ServerUser | undefined): string => {
  try {
    if (user && !mayEnter(user, parent)) {
      throw new Error(`PostgreSQL runs as user ${user.uid} here, who may not enter that folder`);
    }
    const folder = mkdtempSync(join(parent, RUN_FOLDER_PREFIX));
    writeOwner(folder);
    if (user) chmodSync(folder, 0o755);
    return folder;
  } catch (cause) {
    throw new TestPostgresError(
      "DATA_DIRECTORY",
      `cannot make a folder for PostgreSQL's data in ${parent}: ${(cause as Error).message}. ` +
        "Set `directory`, or the environment variable TMPDIR, to a folder that can be written",
      { cause },
    );
  }
};
