import { describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { BUILT_IN_COMMANDS } from "../src/commands/built-in-commands.ts";
import { bin, cli } from "./command-line.ts";
import { project } from "./project.ts";
import { config, plugin } from "./sample-config.ts";

const run = async () => {};
const dlq = plugin("dlq", {
  commands: [
    { name: "dlq list", description: "list dead letters", run },
    { name: "dlq replay", description: "replay dead letters", run },
    { name: "jobs bury", description: "bury a job", run },
  ],
});

describe("help", () => {
  it("lists every command, those of a plugin under its name", async () => {
    const { code, stdout, stderr } = await cli(["--help"], { config: config(undefined, dlq) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Commands:\n {2}run /m);
    expect(stdout).toMatch(/^Plugin dlq:\n {2}dlq +list, replay\n/m);
    expect(stdout).toContain("Exit codes: 0 done, 1 failed, 2 bad input, 3 nothing found");
  });

  it("lists a plugin's commands in a group that is there already", async () => {
    const { stdout } = await cli(["jobs", "--help"], { config: config(undefined, dlq) });
    expect(stdout).toMatch(/^Plugin dlq:\n {2}bury +bury a job\n/m);
    expect(stdout).toMatch(/^ {2}list /m);
  });

  it("shows a command of a plugin", async () => {
    const { code, stdout } = await cli(["dlq", "list", "--help"], {
      config: config(undefined, dlq),
    });
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: oppulence-worker dlq list");
  });

  it("works without a config, and says what is left out", async () => {
    const cwd = await project({});
    const { code, stdout } = await cli(["--help"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain("Commands of plugins are not listed: no worker.config.ts");
    expect(stdout).toContain("migrate");
  });

  it("describes every built-in command with all its options", async () => {
    for (const { name, description, options = [], arguments: args = [] } of BUILT_IN_COMMANDS) {
      const { code, stdout } = await cli([...name.split(" "), "--help"], {
        config: config(undefined),
      });
      expect(code).toBe(0);
      const words = stdout.replace(/\s+/g, " ");
      expect(words).toContain(description);
      for (const option of options)
        expect(words).toContain(`${option.flags} ${option.description}`);
      for (const argument of args) expect(words).toContain(argument.description);
    }
  });

  it("goes to standard error and exits with 2 when a command is missing", async () => {
    for (const argv of [[], ["jobs"], ["dlq"]]) {
      const { code, stdout, stderr } = await cli(argv, { config: config(undefined, dlq) });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("Usage: oppulence-worker");
    }
    const { code, stdout } = await cli(["--json"], { config: config(undefined) });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "INVALID_USAGE", message: "a command is missing" },
    });
  });

  it("prints the version", async () => {
    const { code, stdout } = await bin(["--version"], { cwd: await project({}) });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
  });
});

describe("a command that is not known", () => {
  it.each([
    [["jbos"], "unknown command 'jbos' (Did you mean jobs?)"],
    [["jobs", "lsit"], "unknown command 'lsit' (Did you mean list?)"],
    [["dlq", "lst"], "unknown command 'lst' (Did you mean list?)"],
    [["dql"], "unknown command 'dql' (Did you mean dlq?)"],
    [["check", "--jsn"], "unknown option '--jsn' (Did you mean --json?)"],
  ])("%j exits with 2 and says what was meant", async (argv, message) => {
    const { code, stdout, stderr } = await cli(argv, { config: config(undefined, dlq) });
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: ${message}\n`,
    });
  });

  it("may be a plugin's, whose config cannot be read", async () => {
    const { code, stderr } = await cli(["dlq", "list"], { cwd: await project({}) });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /unknown command 'dlq'; commands of plugins are not known: no worker\.config\.ts/,
    );
  });
});
