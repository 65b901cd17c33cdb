import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { locateBinaries } from "./binaries.ts";
import { isTestPostgresError } from "./errors.ts";
import { freePort } from "./free-port.ts";
import { initdb, SUPERUSER } from "./initdb.ts";
import type { StartPostgresOptions } from "./options.ts";
import { removeRunFolder } from "./reaper.ts";
import { createRunFolder, defaultParent } from "./run-folder.ts";
import { endServerProcess, startServerProcess } from "./server-process.ts";
import { settingArguments } from "./server-settings.ts";
import { serverUser } from "./server-user.ts";
import { usableBinaries } from "./usable-binaries.ts";
import { startWatchdog } from "./watchdog.ts";

/** How a server goes down: `fast` as on a planned restart, `immediate` as if it had crashed. */
export type RestartMode = "fast" | "immediate";

/** A server of our own. */
export interface EmbeddedServer {
  readonly url: string;
  /** The folder with its data and its log. */
  readonly folder: string;
  restart(mode: RestartMode, whileDown: () => Promise<void> | void): Promise<void>;
  stop(): Promise<void>;
}

const PORT_TRIES = 5;

/** Starts a server of our own. See `startPostgres` for the errors. */
export const startEmbeddedServer = async (
  options: StartPostgresOptions,
): Promise<EmbeddedServer> => {
  const { durable = false, settings = {} } = options;
  const user = serverUser();
  const located = locateBinaries();
  const folder = createRunFolder(options.directory ?? defaultParent(durable), user);
  const folders = [folder];
  const makeFolder = () => {
    // Not beside the data: programs may not be run from /dev/shm in containers.
    const made = createRunFolder(tmpdir(), user);
    folders.push(made);
    return made;
  };
  const removeFolders = () => Promise.all(folders.map(removeRunFolder));
  let native: string;
  try {
    native = usableBinaries(located, user, makeFolder);
  } catch (error) {
    await removeFolders();
    throw error;
  }

  const watchdog = startWatchdog(folders);
  const password = randomBytes(16).toString("hex");
  let child: ChildProcess | undefined;
  let port = options.port ?? 0;

  const start = async () => {
    child = await startServerProcess({
      folder,
      native,
      port,
      user,
      settings: settingArguments(durable, settings),
    });
    watchdog.watch(child.pid);
    child.once("exit", () => watchdog.watch(undefined));
  };

  const startOnFreePort = async () => {
    for (let tries = 1; ; tries++) {
      port = await freePort();
      try {
        return await start();
      } catch (error) {
        // Somebody took it since it was found to be free.
        if (!isTestPostgresError(error, "PORT_IN_USE") || tries === PORT_TRIES) throw error;
      }
    }
  };

  const end = async (mode: RestartMode) => {
    if (child) await endServerProcess(child, mode);
  };

  const stop = async () => {
    await end("immediate"); // nobody will read the data again
    await removeFolders();
    watchdog.dismiss();
  };

  try {
    await initdb({ folder, native, password, user, onStart: watchdog.watch });
    await (options.port === undefined ? startOnFreePort() : start());
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`,
    folder,
    restart: async (mode, whileDown) => {
      await end(mode);
      try {
        await whileDown();
      } finally {
        await start();
      }
    },
    stop,
  };
};
