// Runs one of the repo's scripts from a clean clone: `node scripts/run.mjs <file.ts | program> [arguments]`.
// Needs nothing but git, npm and Node >= 18: a newer Node and pnpm come from npm when they are missing.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = "24.21.0"; // brought along when the installed Node is older than `OLDEST`
const OLDEST = [22, 18];

const root = fileURLToPath(new URL("..", import.meta.url));
const shell = process.platform === "win32"; // pnpm and npx are .cmd files there
const pnpm = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager;
const env = { ...process.env, DO_NOT_TRACK: "1" };

const [major, minor] = process.versions.node.split(".").map(Number);
const bring = [];
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) bring.push(`node@${NODE}`);
const found = spawnSync("pnpm", ["--version"], { cwd: root, shell, encoding: "utf8" });
if (found.stdout?.split(".")[0] !== pnpm.split("@")[1].split(".")[0]) bring.push(pnpm);

if (bring.length > 0) {
  const packages = bring.flatMap((name) => ["-p", name]);
  const args = ["--yes", ...packages, "node", "-p", "process.version+' '+process.env.PATH"];
  const npx = spawnSync("npx", args, {
    cwd: root,
    shell,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [version, path] = npx.stdout?.trim().split(/ (.*)/s) ?? [];
  if (npx.status !== 0 || !path || (bring[0].startsWith("node@") && version !== `v${NODE}`)) {
    console.error(
      `Could not get ${bring.join(" and ")} from npm. Install Node >= ${OLDEST.join(".")}, then try again.`,
    );
    process.exit(1);
  }
  env.PATH = path;
}

if (!existsSync(join(root, "node_modules")))
  console.error("Installing packages, once: pnpm install --frozen-lockfile");
const options = { cwd: root, env, shell, stdio: ["ignore", 2, 2] }; // stdout stays the script's own
const install = spawnSync("pnpm", ["install", "--frozen-lockfile", "--loglevel=warn"], options);
if (install.status !== 0) process.exit(install.status ?? 1);

env.PATH = join(root, "node_modules", ".bin") + delimiter + env.PATH;
const [script = "", ...rest] = process.argv.slice(2);
const isFile = /\.m?ts$|\.mjs$/.test(script);
const args = isFile ? ["--conditions=@oppulence/source", script, ...rest] : rest;
const child = spawn(isFile ? "node" : script, args, { cwd: root, env, shell, stdio: "inherit" });

// Ctrl-C reaches the child too, as one of the terminal's group: it decides when to end, and how.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => signal === "SIGINT" || child.kill(signal));
child.on("error", (error) => {
  console.error(`Could not start ${script}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
