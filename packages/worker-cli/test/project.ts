import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const NODE_MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));

/**
 * Makes a folder with the given files, where packages resolve as they do in this one; removed after the test.
 *
 * @param files - content by path
 * @param manifest - package.json
 * @returns the folder's path
 */
export async function project(
  files: Readonly<Record<string, string>>,
  manifest: object = { type: "module" },
): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "worker-cli-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(NODE_MODULES, join(folder, "node_modules"), "dir");
  const all = { "package.json": JSON.stringify(manifest), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
