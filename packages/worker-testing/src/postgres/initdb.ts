import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { TestPostgresError } from "./errors.ts";
import { serverEnvironment } from "./server-environment.ts";
import { dataDirectory, initdbPidFile } from "./server-processes.ts";
import type { ServerUser } from "./server-user.ts";

/** The superuser of every embedded server. */
export const SUPERUSER = "postgres";

const ARGUMENTS = [
  `--username=${SUPERUSER}`,
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  // The same order of strings on every machine.
  "--locale-provider=builtin",
  "--locale=C.UTF-8",
  "--no-instructions",
  "--no-sync",
  // The password is random: stretching it only makes connecting slow.
  "--set=scram_iterations=1",
];

/** What {@link initdb} needs to know. */
export interface InitdbOptions {
  /** The run folder. */
  readonly folder: string;
  /** The folder with `bin/initdb`. */
  readonly native: string;
  readonly password: string;
  readonly user: ServerUser | undefined;
  readonly onStart: (pid: number | undefined) => void;
}

/**
 * Creates the data directory within the run folder.
 * @throws {@link TestPostgresError} `DATA_DIRECTORY` with what `initdb` wrote
 */
export const initdb = async (options: InitdbOptions): Promise<void> => {
  const { folder, user } = options;
  const data = dataDirectory(folder);
  const passwordFile = join(folder, "password");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  if (user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid);

  const args = ["-D", data, `--pwfile=${passwordFile}`, ...ARGUMENTS];
  const child = spawn(join(options.native, "bin/initdb"), args, {
    ...user,
    env: serverEnvironment(),
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  options.onStart(child.pid);
  writeFileSync(initdbPidFile(folder), String(child.pid));
  const output = text(child.stderr);
  // Rejects when it cannot be run at all.
  const [exitCode] = await once(child, "exit").catch((cause: Error) => [cause.message]);
  options.onStart(undefined);
  for (const file of [passwordFile, initdbPidFile(folder)]) rmSync(file);
  if (exitCode === 0) return;
  throw new TestPostgresError(
    "DATA_DIRECTORY",
    `initdb could not make the data directory ${data} (${exitCode}): ${(await output).trim()}`,
  );
};
