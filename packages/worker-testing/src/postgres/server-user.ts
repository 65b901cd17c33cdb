import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { TestPostgresError } from "./errors.ts";

/** The user that the server runs as, in the form that `spawn` takes. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const idOf = (user: string): ServerUser | undefined => {
  const id = (flag: string) =>
    Number(
      execFileSync("id", [flag, user], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    );
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined; // no such user
  }
};

/**
 * The user to run PostgreSQL as, which refuses to run as root: `postgres` where there is one,
 * otherwise `nobody`, so that no user has to be added to the machine.
 *
 * @returns `undefined` when this process is not root: the server then runs as the same user
 * @throws {@link TestPostgresError} `START_FAILED` when there is neither
 */
export const serverUser = (): ServerUser | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const user = idOf("postgres") ?? idOf("nobody");
  if (user) return user;
  throw new TestPostgresError(
    "START_FAILED",
    "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as. " +
      "Run the tests as another user, or set DATABASE_URL",
  );
};

/** Tells whether the user may enter the folder and each one above it. */
export const mayEnter = (user: ServerUser, folder: string): boolean => {
  const { uid, mode } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : 0o001;
  const parent = dirname(folder);
  return (mode & bit) !== 0 && (parent === folder || mayEnter(user, parent));
};
