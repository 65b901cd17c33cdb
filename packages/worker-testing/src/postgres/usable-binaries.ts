import { chmodSync, cpSync, existsSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { mayEnter, type ServerUser } from "./server-user.ts";

const PROGRAMS = ["bin/initdb", "bin/postgres"] as const;

/** What the package's own install step does; package managers skip such steps unless told otherwise. */
const addLinks = (native: string): void => {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, "..", target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another run was quicker
    }
  }
};

const makeExecutable = (native: string): void => {
  for (const program of PROGRAMS) {
    const file = join(native, program);
    const { mode } = statSync(file);
    if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
  }
};

/**
 * Makes the binaries ready to run for the server's user.
 *
 * A checkout in root's home is closed to every other user; the binaries are then copied (60 MB)
 * into the folder that `makeFolder` makes.
 *
 * @returns the folder to run them from
 */
export const usableBinaries = (
  native: string,
  user: ServerUser | undefined,
  makeFolder: () => string,
): string => {
  let usable = native;
  if (user && !mayEnter(user, join(native, "bin"))) {
    usable = join(makeFolder(), "native");
    const isLibrary = (path: string) => !path.endsWith(".a");
    cpSync(native, usable, { recursive: true, verbatimSymlinks: true, filter: isLibrary });
  }
  addLinks(usable);
  makeExecutable(usable);
  return usable;
};
