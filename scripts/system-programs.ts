import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that no npm package ships, needed by some of the tests. */
export interface SystemProgram {
  /** The word in `OPPULENCE_TEST_SKIP` by which tests learn that it is not there. */
  readonly name: string;
  readonly command: string;
  /** The Debian package that has it. */
  readonly apt: string;
}

export const systemPrograms: readonly SystemProgram[] = [
  { name: "redis", command: "redis-server", apt: "redis-server" },
];

/** What this machine can do, told apart so that tests can stand in for any machine. */
export interface Machine {
  has(command: string): boolean;
  readonly canInstall: boolean;
  /** Installs Debian packages; returns false when that failed. */
  install(packages: readonly string[]): boolean;
}

const isDebian = existsSync("/etc/debian_version");
const isRoot = process.getuid?.() === 0;
/** Public CI runs as a user who may do anything; a person is never asked to. */
const maySudo = (): boolean =>
  process.env.CI === "true" && spawnSync("sudo", ["--non-interactive", "true"]).status === 0;

const apt = (...args: string[]): boolean => {
  const command = [...(isRoot ? [] : ["sudo"]), "apt-get", "-qq", ...args];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return (
    spawnSync(command[0] ?? "", command.slice(1), { env, stdio: ["ignore", "ignore", "inherit"] })
      .status === 0
  );
};

export const thisMachine: Machine = {
  has: (command) =>
    (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, command))),
  canInstall: isDebian && (isRoot || maySudo()),
  install: (packages) =>
    apt("update") && apt("install", "-y", "--no-install-recommends", ...packages),
};

/**
 * Sees to it that the programs are there: with apt when this is root on Debian.
 *
 * @returns the programs that are missing all the same, each with the reason.
 */
export const provide = (
  programs: readonly SystemProgram[],
  machine: Machine = thisMachine,
): { program: SystemProgram; reason: string }[] => {
  const missing = programs.filter(({ command }) => !machine.has(command));
  if (missing.length === 0) return [];
  const install = `apt-get install ${missing.map((program) => program.apt).join(" ")}`;
  if (!machine.canInstall) {
    return missing.map((program) => ({
      program,
      reason: `${program.command} is not on PATH, and only root on Debian can \`${install}\``,
    }));
  }
  machine.install(missing.map((program) => program.apt));
  return missing
    .filter(({ command }) => !machine.has(command))
    .map((program) => ({ program, reason: `\`${install}\` did not bring ${program.command}` }));
};
