import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const NODE_MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));

/** Content of files by path. */
export type Files = Readonly<Record<string, string>>;

/**
 * Makes a folder with the given files, where packages resolve as they do in this one.
 *
 * @param manifest - package.json
 * @returns the folder's path
 */
export async function makeProject(files: Files, manifest: object = { type: "module" }) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "worker-cli-")));
  await symlink(NODE_MODULES, join(folder, "node_modules"), "dir");
  const all = { "package.json": JSON.stringify(manifest), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** Removes what {@link makeProject} made. */
export function removeProject(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

/** A {@link makeProject} that is removed after the test. */
export async function project(files: Files, manifest?: object): Promise<string> {
  const folder = await makeProject(files, manifest);
  onTestFinished(() => removeProject(folder));
  return folder;
}
