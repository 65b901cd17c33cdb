import { describe, expect, it } from "vitest";
import { runCli } from "../src/index.ts";
import { cli, Recorder } from "./command-line.ts";
import { migrated } from "./database.ts";
import { project } from "./project.ts";
import { config, plugin } from "./sample-config.ts";

const SECRET = "n0t-for-your-eyes";
const NOWHERE = `postgres://worker:${SECRET}@127.0.0.1:1/none`;

const EVERY = [
  ["run"],
  ["migrate"],
  ["migrate", "--verify"],
  ["plugins"],
  ["jobs", "list"],
  ["jobs", "show", "1"],
  ["jobs", "explain", "1"],
  ["jobs", "retry", "1"],
  ["jobs", "cancel", "1"],
  ["jobs", "reschedule", "1", "--in", "1m"],
  ["jobs", "add", "anything"],
];

describe("an unreachable database", () => {
  it.each(EVERY)("is one line and exit code 1: %s %s", async (...argv) => {
    const words = argv.filter((word) => word !== undefined);
    const { code, stderr } = await cli(words, { config: config(NOWHERE) });
    expect(code).toBe(1);
    expect(stderr).toContain("cannot reach PostgreSQL at 127.0.0.1:1/none");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("is told as JSON with --json", async () => {
    const { code, stdout, stderr } = await cli(["jobs", "list", "--json"], {
      config: config(NOWHERE),
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "DATABASE_UNREACHABLE",
        message: expect.stringContaining("127.0.0.1:1/none"),
      },
    });
  });

  it("has a place in --connection, which comes before the config, and in DATABASE_URL", async () => {
    const elsewhere = "postgres://127.0.0.1:2/other";
    const argv = ["jobs", "list", "--connection", elsewhere];
    const given = await cli(argv, { config: config(NOWHERE) });
    expect(given.stderr).toContain("127.0.0.1:2/other");
    const options = { config: config(undefined), env: { DATABASE_URL: elsewhere } };
    expect((await cli(["jobs", "list"], options)).stderr).toContain("127.0.0.1:2/other");
  });
});

describe("a password", () => {
  it.each([...EVERY, ["check"], ["--help"]])("is never printed: %s %s", async (...argv) => {
    const words = argv.filter((word) => word !== undefined);
    for (const more of [[], ["--json"], ["--verbose"]]) {
      const { stdout, stderr } = await cli([...words, ...more], { config: config(NOWHERE) });
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });

  it("is not printed when somebody else puts it into an error", async () => {
    const { url } = await migrated();
    const leaky = plugin("leaky", {
      commands: [
        {
          name: "leak",
          description: "",
          run: async ({ io }) => {
            io.warn(`connecting to ${NOWHERE}`);
            throw new Error(`cannot connect to ${NOWHERE}, password=${SECRET}`);
          },
        },
      ],
    });
    for (const more of [[], ["--json"], ["--verbose"]]) {
      const { code, stdout, stderr } = await cli(["leak", ...more], { config: config(url, leaky) });
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain(SECRET);
      expect(stderr).toContain("postgres://worker:***@127.0.0.1:1/none");
    }
  });

  it("is not printed in a connection string that is no URL", async () => {
    for (const wrong of [
      `postgres://worker:${SECRET}@:not-a-port/none`,
      `host=x password=${SECRET}`,
    ]) {
      const { code, stdout, stderr } = await cli(
        ["jobs", "list", "--connection", wrong, "--verbose"],
        {
          config: config(undefined),
        },
      );
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });
});

describe("an error", () => {
  it("shows its stack with --verbose and DEBUG only", async () => {
    const { url } = await migrated();
    const run = () => Promise.reject(new Error("it broke"));
    const broken = plugin("broken", { commands: [{ name: "break", description: "", run }] });
    const options = { config: config(url, broken) };
    expect((await cli(["break"], options)).stderr).toBe("error: it broke\n");
    for (const { stderr } of [
      await cli(["break", "--verbose"], options),
      await cli(["break"], { ...options, env: { DEBUG: "1" } }),
    ]) {
      expect(stderr).toMatch(/^ {4}at /m);
    }
    expect((await cli(["break"], { ...options, env: { DEBUG: "0" } })).stderr).toBe(
      "error: it broke\n",
    );
  });

  it("is red on a terminal, unless the user says otherwise", async () => {
    const red = "\u001b[31merror:\u001b[39m";
    const told = async (argv: string[], env: NodeJS.ProcessEnv, columns?: number) => {
      const stderr = new Recorder(columns);
      await runCli(["jobs", "list", ...argv], {
        stdout: new Recorder(columns),
        stderr,
        env,
        cwd: await project({}),
      });
      return stderr.text.startsWith(red);
    };
    expect(await told([], {}, 80)).toBe(true);
    expect(await told([], {})).toBe(false);
    expect(await told(["--color"], {})).toBe(true);
    expect(await told(["--no-color"], {}, 80)).toBe(false);
    expect(await told([], { NO_COLOR: "1" }, 80)).toBe(false);
    expect(await told([], { NO_COLOR: "" }, 80)).toBe(true);
    expect(await told([], { TERM: "dumb" }, 80)).toBe(false);
    expect(await told([], { FORCE_COLOR: "1" })).toBe(true);
    expect(await told(["--color"], { NO_COLOR: "1" })).toBe(true);
  });

  it("of a database that ends the connection is told as one", async () => {
    const { url, pool } = await migrated();
    const killed = plugin("killed", {
      commands: [
        {
          name: "kill",
          description: "",
          run: async () => {
            const sql =
              "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
            await pool.query(sql);
          },
        },
        {
          name: "die",
          description: "",
          run: () => Promise.reject(Object.assign(new Error("ended"), { code: "57P01" })),
        },
      ],
    });
    expect(await cli(["kill"], { config: config(url, killed) })).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await cli(["die", "--json"], { config: config(url, killed) })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"DATABASE_UNREACHABLE"'),
    });
  });

  it("of the server names its state", async () => {
    const { url, pool } = await migrated();
    const wrong = plugin("wrong", {
      commands: [
        { name: "wrong", description: "", run: async () => void (await pool.query("select 1/0")) },
      ],
    });
    expect((await cli(["wrong"], { config: config(url, wrong) })).stderr).toBe(
      "error: division by zero (SQLSTATE 22012)\n",
    );
  });
});
