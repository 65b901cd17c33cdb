import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { tree } from "./tree.ts";

const run = fileURLToPath(new URL("../run.mjs", import.meta.url));

/** A script of its own, run by `scripts/run.mjs` in the real repo. */
const script = (code: string): string[] => [run, join(tree({ "script.mjs": code }), "script.mjs")];

describe("scripts/run.mjs", () => {
  it("passes on arguments, output and exit code", () => {
    const code = "console.log(process.argv.slice(2).join()); process.exit(7);";
    const { status, stdout } = spawnSync(process.execPath, [...script(code), "a b", "--json"], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 7, stdout: "a b,--json\n" });
  });

  it("runs sources of the packages as they are", () => {
    const code = `console.log(process.execArgv.join());`;
    const { stdout } = spawnSync(process.execPath, script(code), { encoding: "utf8" });
    expect(stdout).toBe("--conditions=@oppulence/source\n");
  });

  it("fails, and says so, when there is no such script or program", () => {
    const { status, stderr } = spawnSync(process.execPath, [run, "no-such-program"], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining("no-such-program"),
    });
    expect(spawnSync(process.execPath, [run, "no-such-file.ts"]).status).toBe(1);
  });

  it.each([
    ["SIGINT", true],
    ["SIGTERM", false],
  ] as const)("lets the script end in its own way on %s", async (signal, wholeGroup) => {
    const code = `process.on("${signal}", () => process.exit(5)); setInterval(() => {}, 1000); console.log("up");`;
    const child = spawn(process.execPath, script(code), {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    // A terminal sends Ctrl-C to the whole group; `kill` sends to one process.
    process.kill(wholeGroup ? -(child.pid as number) : (child.pid as number), signal);
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(5);
  });
});
