import { readFile } from "node:fs/promises";
import type { Command, CommandInput } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { bin, cli } from "./command-line.ts";
import { migrated } from "./database.ts";
import { project } from "./project.ts";
import { config, plugin } from "./sample-config.ts";

const command = (name: string, more: Partial<Command> = {}): Command => ({
  name,
  description: `does ${name}`,
  run: async () => {},
  ...more,
});

describe("a command of a plugin", () => {
  it("gets its arguments and options, after its plugin has started", async () => {
    const { url } = await migrated();
    const got: (Pick<CommandInput, "args" | "options"> & { started: boolean })[] = [];
    let started = false;
    const dlq = plugin("dlq", {
      start: () => {
        started = true;
      },
      commands: [
        command("dlq replay", {
          arguments: [
            { name: "<task>", description: "a task" },
            { name: "[ids...]", description: "some ids" },
          ],
          options: [
            { flags: "--force", description: "all of it" },
            { flags: "-m, --max-age <duration>", description: "how old", default: "1d" },
            { flags: "--limit <number>", description: "how many", default: 10 },
            { flags: "--reason <text...>", description: "why" },
          ],
          run: async ({ args, options }) => {
            got.push({ args, options, started });
          },
        }),
      ],
    });
    const options = { config: config(url, dlq) };
    expect(await cli(["dlq", "replay", "send_email"], options)).toMatchObject({ code: 0 });
    const full = [
      "dlq",
      "replay",
      "send_email",
      "1",
      "2",
      "--force",
      "-m",
      "2h",
      "--limit",
      "5",
      "--reason",
      "a",
      "b",
    ];
    expect(await cli(full, options)).toMatchObject({ code: 0 });
    expect(got).toEqual([
      {
        args: { task: "send_email", ids: [] },
        options: { maxAge: "1d", limit: 10 },
        started: true,
      },
      {
        args: { task: "send_email", ids: ["1", "2"] },
        options: { force: true, maxAge: "2h", limit: 5, reason: ["a", "b"] },
        started: true,
      },
    ]);
    expect(await cli(["dlq", "replay", "x", "--limit", "many"], options)).toMatchObject({
      code: 2,
    });
    expect(await cli(["dlq", "replay"], options)).toMatchObject({ code: 2 });
  });

  it("exits with what it returns, and with 1 when it throws", async () => {
    const { url } = await migrated();
    const codes = plugin("codes", {
      commands: [
        command("codes three", { run: async () => 3 }),
        command("codes throw", { run: () => Promise.reject(new Error("it broke")) }),
      ],
    });
    const options = { config: config(url, codes) };
    expect(await cli(["codes", "three"], options)).toMatchObject({ code: 3 });
    expect(await cli(["codes", "throw"], options)).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: it broke\n",
    });
  });

  it("prints for people, and for programs with --json", async () => {
    const { url } = await migrated();
    const prints = plugin("prints", {
      commands: [
        command("prints all", {
          run: async ({ io }) => {
            io.line("a line");
            io.table(
              [
                { id: 1n, maxAge: null, name: "ü" },
                { id: 2n, maxAge: 3, name: "b" },
              ],
              ["id", "maxAge"],
            );
            io.record({ name: "x", nested: { a: 1 } });
            io.warn("careful");
          },
        }),
      ],
    });
    const options = { config: config(url, prints) };
    expect(await cli(["prints", "all"], options)).toEqual({
      code: 0,
      stdout: 'a line\nID  MAX AGE\n1   -\n2   3\nname    x\nnested\n  {\n    "a": 1\n  }\n',
      stderr: "warning: careful\n",
    });
    const { stdout, stderr } = await cli(["prints", "all", "--json"], options);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      [
        { id: "1", maxAge: null, name: "ü" },
        { id: "2", maxAge: 3, name: "b" },
      ],
      { name: "x", nested: { a: 1 } },
    ]);
    expect(stderr).toBe("warning: careful\n");
  });

  it("is found in a config that is loaded once", async () => {
    const { url } = await migrated();
    const cwd = await project({
      "worker.config.ts": `
import { appendFileSync } from "node:fs";
import { defineConfig, definePlugin } from "@oppulence/worker-core";
appendFileSync("loads.txt", "x");
enum Kind { A = "a" }
const commands = [{ name: "say", description: "", run: async ({ io }: any) => io.line(Kind.A) }];
const says = definePlugin({ name: "says", producers: "not-covered", setup: () => ({ commands }) });
export default defineConfig({ plugins: [says] });`,
    });
    const { code, stdout } = await bin(["say"], { cwd, env: { DATABASE_URL: url } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "a\n" });
    expect(await readFile(`${cwd}/loads.txt`, "utf8")).toBe("x");
  });

  it("shows no progress where there is no terminal", async () => {
    const { url } = await migrated();
    const works = plugin("works", {
      commands: [
        command("works", {
          run: async ({ io }) => {
            const progress = io.progress("working", 3);
            progress.update(2);
            progress.done();
          },
        }),
      ],
    });
    expect(await cli(["works"], { config: config(url, works) })).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("is told of an interruption, and ends the command line with 130", async () => {
    const { url } = await migrated();
    const stop = new AbortController();
    const waits = plugin("waits", {
      commands: [
        command("waits", {
          run: async ({ io }) => {
            const aborted = new Promise((_, reject) => {
              io.signal.addEventListener("abort", () => reject(new Error("tidied up")));
            });
            const { InterruptedError } = await import("../src/index.ts");
            stop.abort(new InterruptedError("SIGINT"));
            await aborted;
          },
        }),
      ],
    });
    expect(await cli(["waits"], { config: config(url, waits), signal: stop.signal })).toEqual({
      code: 130,
      stdout: "",
      stderr: "error: interrupted by SIGINT\n",
    });
  });

  it("does not run while its plugin's migrations are pending", async () => {
    const { url, pool } = await migrated();
    await pool.query("delete from oppulence_worker.core_migrations");
    const never = plugin("never", { commands: [command("never", { run: async () => 7 })] });
    const { code, stderr } = await cli(["never"], { config: config(url, never) });
    expect(code).toBe(1);
    expect(stderr).toContain("oppulence-worker migrate");
  });

  it.each([
    ["jobs list", "has the same name"],
    ["run", "has the same name"],
    ["jobs", "is in the way: a command cannot have commands below it"],
    ["run fast", "is in the way"],
    ["one two", "has the same name"],
    ["Bad Name", "a name is words of"],
    ["dlq help", '"help" is the program\'s own'],
  ])("cannot be named %j", async (name, problem) => {
    const plugins = [
      plugin("first", { commands: [command("one two")] }),
      plugin("second", { commands: [command(name)] }),
    ];
    const { stdout } = await cli(["check", "--json"], { config: config(undefined, ...plugins) });
    expect(JSON.parse(stdout).problems).toEqual([expect.stringContaining(problem)]);
    expect(stdout).toContain("plugin second");
  });

  it.each([
    [{ options: [{ flags: "--json", description: "" }] }, "--json is a global option"],
    [{ options: [{ flags: "-h, --hard", description: "" }] }, "-h is a global option"],
    [{ options: [{ flags: "force", description: "" }] }, 'option "force": write'],
    [
      {
        options: [
          { flags: "--a", description: "" },
          { flags: "--a <b>", description: "" },
        ],
      },
      "--a is there twice",
    ],
    [{ arguments: [{ name: "id", description: "" }] }, 'argument "id": write'],
    [
      {
        arguments: [
          { name: "[ids...]", description: "" },
          { name: "<id>", description: "" },
        ],
      },
      "only the last one may have",
    ],
  ])("cannot have %j", async (more, problem) => {
    const wrong = plugin("wrong", { commands: [command("wrong", more)] });
    const { code, stderr } = await cli(["wrong"], { config: config(undefined, wrong) });
    expect(code).toBe(2);
    expect(stderr).toContain(`command "wrong" of plugin wrong: `);
    expect(stderr).toContain(problem);
  });

  it("that cannot be mounted does not stop the built-in ones", async () => {
    const { url } = await migrated();
    const clash = plugin("clash", { commands: [command("jobs list")] });
    expect(await cli(["jobs", "list"], { config: config(url, clash) })).toMatchObject({
      code: 3,
      stderr: "",
    });
  });
});
