import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TURBO = fileURLToPath(new URL("../../../node_modules/turbo/bin/turbo", import.meta.url));

/**
 * Builds what is measured, as users install it; nothing is done where the build is up to date.
 *
 * @throws Error when it does not build
 */
export function buildPackages(): void {
  // What the bench depends on, itself left out.
  const args = ["run", "build", "--filter=@oppulence/bench^...", "--output-logs=errors-only"];
  const build = spawnSync(process.execPath, [TURBO, ...args], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  if (build.status !== 0) throw new Error("the packages to measure do not build: see above");
}
