import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "./check.ts";
import { exec } from "./repo.ts";

/** Builds every package with turbo, which leaves alone what has not changed. */
export const build = async (root: string): Promise<Problem[]> => {
  const { code, stdout, stderr } = await exec(
    root,
    "turbo",
    "run",
    "build",
    "--output-logs=errors-only",
  );
  if (code === 0) return [];
  return [
    {
      file: "turbo.json",
      message: `\`npm run build\` ended with code ${code}:\n${stdout}${stderr}`,
    },
  ];
};

/**
 * Packs a package as it would be published.
 *
 * @returns the path of its tarball, or the problem that kept it from being packed.
 */
export const pack = async (
  root: string,
  folder: string,
  destination: string,
): Promise<{ tarball: string } | { problem: Problem }> => {
  if (!existsSync(join(root, folder, "dist"))) {
    return { problem: { file: folder, message: "has no dist: `npm run build` makes it" } };
  }
  const args = ["pack", "--json", "--pack-destination", destination];
  const { code, stdout, stderr } = await exec(join(root, folder), "pnpm", ...args);
  if (code !== 0) {
    return {
      problem: { file: folder, message: `pnpm pack ended with code ${code}: ${stderr}${stdout}` },
    };
  }
  return { tarball: JSON.parse(stdout.slice(stdout.indexOf("{"))).filename };
};
