import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

const onLinux = process.platform === "linux";

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

const ps = (pid: number, column: string): string | undefined => {
  try {
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
    const args = ["-ww", "-o", `${column}=`, "-p", String(pid)];
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    return execFileSync("ps", args, { encoding: "utf8", env, stdio }).trim() || undefined;
  } catch {
    return undefined;
  }
};

/** The fields of `/proc/<pid>/stat` from the state on: the name before them may contain spaces. */
const linuxStat = (pid: number): string[] | undefined =>
  readText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");

/** Tells whether the process exists and has not ended; a zombie has ended. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const state = onLinux ? linuxStat(pid)?.[0] : ps(pid, "stat");
  return state === undefined || !state.startsWith("Z");
};

/** When the process started, in a form that only compares for equality; a pid alone gets reused. */
export const startTimeOf = (pid: number): string | undefined => {
  if (!onLinux) return ps(pid, "lstart");
  const ticks = linuxStat(pid)?.[19];
  // The ticks count from the boot, so they mean nothing without it.
  return ticks && `${readText("/proc/sys/kernel/random/boot_id")?.trim()}:${ticks}`;
};

/** The command and its arguments, separated by spaces. */
export const commandLineOf = (pid: number): string | undefined =>
  onLinux ? readText(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ").trim() : ps(pid, "command");

/**
 * Where pids have the same meaning. On Linux that is the host and its pid namespace, as containers
 * may share a folder; elsewhere the temporary folder is the machine's own.
 */
export const processSpace = (): string =>
  onLinux ? `${hostname()} ${readlinkSync("/proc/self/ns/pid")}` : process.platform;
