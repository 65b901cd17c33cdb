import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is read of a package.json here. */
export interface Manifest {
  readonly name?: string;
  readonly description?: string;
  readonly private?: boolean;
  readonly bin?: Record<string, string>;
  readonly exports?: Record<string, unknown>;
  readonly files?: readonly string[];
  readonly publishConfig?: { readonly access?: string; readonly exports?: Record<string, unknown> };
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
  readonly [field: string]: unknown;
}

/** The condition under which the packages of this repo resolve one another without a build. */
export const SOURCE_CONDITION = "@oppulence/source";
export const SCOPE = "@oppulence/";

const GENERATED = new Set(["node_modules", "dist", "coverage"]);

export const read = (root: string, file: string): string => readFileSync(join(root, file), "utf8");

/** @returns `undefined` where there is no such file. */
export const readManifest = (root: string, folder: string): Manifest | undefined => {
  const file = join(folder, "package.json");
  return existsSync(join(root, file)) ? JSON.parse(read(root, file)) : undefined;
};

const subfolders = (root: string, parent: string): string[] =>
  existsSync(join(root, parent))
    ? readdirSync(join(root, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${parent}/${entry.name}`)
        .sort()
    : [];

/** The published packages: every folder of `packages/`. */
export const packageFolders = (root: string): string[] => subfolders(root, "packages");

/** Every folder that is a member of the workspace. */
export const memberFolders = (root: string): string[] => [
  ...packageFolders(root),
  ...subfolders(root, "examples"),
  ...(existsSync(join(root, "bench")) ? ["bench"] : []),
];

/** Every file below a folder that people wrote, relative to the root, in order. */
export const filesIn = (root: string, folder = "."): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true })
        .flatMap((entry) => {
          const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
          if (!entry.isDirectory()) return [path];
          return GENERATED.has(entry.name) || entry.name.startsWith(".") ? [] : filesIn(root, path);
        })
        .sort()
    : [];

export const isScript = (file: string): boolean => /\.[cm]?[jt]sx?$/.test(file);

/** The line, counted from 1, on which a position of a text lies. */
export const lineAt = (text: string, position: number): number =>
  text.slice(0, position).split("\n").length;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and hands back what it printed. A program that cannot start has code 127. */
export const exec = (cwd: string, command: string, ...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });

/** Runs a task for every item, at most `width` at a time; results in the order of the items. */
export const mapParallel = async <T, R>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = new Array(items.length);
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const [index, item] of queue) results[index] = await task(item);
    }),
  );
  return results;
};
