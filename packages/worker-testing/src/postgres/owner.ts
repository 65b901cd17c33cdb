import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, processSpace, startTimeOf } from "./process-identity.ts";

/** Who made a run folder. */
interface Owner {
  readonly pid: number;
  readonly startTime: string | undefined;
  readonly space: string;
}

const file = (folder: string) => join(folder, "owner.json");

/** Records this process as the owner of a run folder. */
export const writeOwner = (folder: string): void => {
  const { pid } = process;
  const owner: Owner = { pid, startTime: startTimeOf(pid), space: processSpace() };
  writeFileSync(file(folder), JSON.stringify(owner));
};

/** Reads the owner; `undefined` if there is none or its file is only half written. */
export const readOwner = (folder: string): Owner | undefined => {
  try {
    return JSON.parse(readFileSync(file(folder), "utf8")) as Owner;
  } catch {
    return undefined;
  }
};

/** Tells whether the owner may still be running. In doubt it is: its server must not be ended. */
export const ownerIsAlive = (owner: Owner): boolean => {
  if (owner.space !== processSpace()) return true;
  if (!isAlive(owner.pid)) return false;
  const startTime = startTimeOf(owner.pid);
  return startTime === undefined || owner.startTime === undefined || startTime === owner.startTime;
};
