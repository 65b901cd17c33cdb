import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bin, cli } from "../command-line.ts";
import { type Files, makeProject, project, removeProject } from "../project.ts";

const IMPORT = 'import { defineConfig, defineTask } from "@oppulence/worker-core";';
const WHOLE = `${IMPORT}\nexport default defineConfig({ tasks: [defineTask({ identifier: "t", run: () => {} })], config: false });`;
const COMMONJS = `const { defineTask } = require("@oppulence/worker-core");
module.exports = { tasks: [defineTask({ identifier: "t", run() {} })] };`;
const TASK = `import { defineTask } from "@oppulence/worker-core";
export interface Options { readonly a: number }
export const task = defineTask({ identifier: "t", run: () => {} });`;
const using = (from: string, names = "task") =>
  `${IMPORT}\nimport { ${names} } from "${from}";\nexport default defineConfig({ tasks: [task] });`;

const MODULE = { type: "module" };

/** A folder with a config: what it is about, its files, its package.json. */
type Case = readonly [string, Files, object?];

const BY_NODE: readonly Case[] = [
  ["worker.config.ts in a package of modules", { "worker.config.ts": WHOLE }],
  ["worker.config.ts in a package that says nothing", { "worker.config.ts": WHOLE }, {}],
  ["worker.config.mts", { "worker.config.mts": WHOLE }, { type: "commonjs" }],
  ["worker.config.js", { "worker.config.js": WHOLE }],
  ["worker.config.mjs", { "worker.config.mjs": WHOLE }, {}],
  ["worker.config.js in CommonJS", { "worker.config.js": COMMONJS }, { type: "commonjs" }],
  [
    "TypeScript's output in CommonJS",
    {
      "worker.config.js":
        'exports.__esModule = true; exports.default = { tasks: [{ identifier: "t" }] };',
    },
    { type: "commonjs" },
  ],
  [
    "imports as Node wants them",
    { "worker.config.ts": using("./task.ts", "task, type Options"), "task.ts": TASK },
  ],
];

const BY_JITI: readonly Case[] = [
  ["an import without an extension", { "worker.config.ts": using("./task"), "task.ts": TASK }],
  ["an import of a folder", { "worker.config.ts": using("./tasks"), "tasks/index.ts": TASK }],
  ["an import of .js that is .ts", { "worker.config.ts": using("./task.js"), "task.ts": TASK }],
  [
    "paths of tsconfig.json",
    {
      "worker.config.ts": using("@/task"),
      "src/task.ts": TASK,
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
    },
  ],
  [
    "a type imported as a value",
    { "worker.config.ts": using("./task.ts", "task, Options"), "task.ts": TASK },
  ],
  ["an enum", { "worker.config.ts": `enum Kind { A }\n${WHOLE}` }],
  [
    "parameter properties",
    { "worker.config.ts": `class A { constructor(readonly a: number) {} }\n${WHOLE}` },
  ],
  ["CommonJS in a module", { "worker.config.ts": `const here = __dirname;\n${WHOLE}` }],
  ["a module in CommonJS", { "worker.config.ts": WHOLE }, { type: "commonjs" }],
];

/** A config that cannot be used: what it does, its text, what is said of it. */
const REFUSED: readonly (readonly [string, string, string, string])[] = [
  [
    "throws",
    'throw new Error("no token");',
    "CONFIG_FAILED",
    "worker.config.ts could not be loaded: no token (worker.config.ts:1:",
  ],
  [
    "cannot be parsed",
    "export default {",
    "CONFIG_FAILED",
    "worker.config.ts could not be loaded: ",
  ],
  [
    "throws in a module it imports",
    'import "./other.ts";',
    "CONFIG_FAILED",
    "could not be loaded: deep (other.ts:1:",
  ],
  [
    "imports what is not installed",
    'import "@nobody/nothing/deep";\nexport default {};',
    "CONFIG_FAILED",
    "worker.config.ts needs the package @nobody/nothing, which is not installed: npm install @nobody/nothing",
  ],
  [
    "imports a file that is not there",
    'import "./nothing.ts";',
    "CONFIG_FAILED",
    "could not be loaded: Cannot find module",
  ],
  ["throws nothing", "throw undefined;", "CONFIG_FAILED", "could not be loaded: undefined"],
  [
    "has no default export",
    "export const config = {};",
    "INVALID_CONFIG",
    "worker.config.ts has no default export, it exports config: write `export default defineConfig(",
  ],
  ["exports nothing", "", "INVALID_CONFIG", "has no default export, it exports nothing"],
  [
    "exports a function",
    "export default function make() {}",
    "INVALID_CONFIG",
    "is a function (make): write",
  ],
  [
    "exports a promise",
    "export default Promise.resolve({});",
    "INVALID_CONFIG",
    "is a promise; await it in the config",
  ],
  ["exports null", "export default null;", "INVALID_CONFIG", "is null"],
  ["exports an array", "export default [];", "INVALID_CONFIG", "is an array"],
  [
    "exports a client",
    'import { createClient } from "@oppulence/worker-core";\nexport default createClient({ connectionString: "x" });',
    "INVALID_CONFIG",
    "is a worker or client that was made already",
  ],
];

/** Loads all of them in one process, which takes a second; a process for each would take a minute. */
const loaded = new Map<string, Readonly<Record<string, unknown>>>();
const folders: string[] = [];

beforeAll(async () => {
  const refused = REFUSED.map(
    ([name, config]): Case => [
      name,
      { "worker.config.ts": config, "other.ts": 'throw new Error("deep");' },
    ],
  );
  const cases = [...BY_NODE, ...BY_JITI, ...refused];
  for (const [, files, manifest = MODULE] of cases) {
    folders.push(await makeProject(files, manifest));
  }
  const script = fileURLToPath(new URL("load-many.ts", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--conditions=@oppulence/source",
    script,
    ...folders,
  ]);
  expect(stderr).toBe("");
  for (const [index, result] of (JSON.parse(stdout) as object[]).entries()) {
    loaded.set(cases[index]?.[0] ?? "", { ...result });
  }
});

afterAll(() => Promise.all(folders.map(removeProject)));

describe("loading the config", () => {
  it.each(BY_NODE.map(([name, files]) => [name, Object.keys(files)[0]]))(
    "is done by Node for %s",
    (name = "", label) => {
      expect(loaded.get(name)).toEqual({ label, loader: "node", tasks: ["t"] });
    },
  );

  it.each(BY_JITI.map(([name]) => name))("is done by jiti for %s, which Node refuses", (name) => {
    expect(loaded.get(name)).toEqual({ label: "worker.config.ts", loader: "jiti", tasks: ["t"] });
  });

  it.each(REFUSED)("says what is wrong with a config that %s", (name, _, code, message) => {
    expect(loaded.get(name)).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(loaded.get(name)?.["message"]).not.toContain("\n");
  });

  it("says how it was loaded with --verbose", async () => {
    const cwd = await project({ "worker.config.ts": `enum Kind { A }\n${WHOLE}` });
    expect(await bin(["check", "--verbose"], { cwd })).toMatchObject({
      code: 0,
      stdout: "worker.config.ts: ok, 1 task, plugins: none\n",
      stderr: "config worker.config.ts, loaded by jiti\n",
    });
  });

  it("ends the command line with one line and exit code 2 when it fails", async () => {
    const cwd = await project({ "worker.config.ts": 'throw new Error("no token");' });
    const { code, stdout, stderr } = await bin(["jobs", "list"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: worker\.config\.ts could not be loaded: no token \(.*\)\n$/);
  });
});

describe("finding the config", () => {
  it("looks upwards from the working directory", async () => {
    const root = await project({ "worker.config.ts": WHOLE, "apps/web/x.txt": "" });
    const { code, stdout } = await bin(["check"], { cwd: `${root}/apps/web` });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "../../worker.config.ts: ok, 1 task, plugins: none\n",
    });
  });

  it("takes the file that --config names", async () => {
    const cwd = await project({ "deep/jobs.mjs": WHOLE });
    const { code, stdout } = await bin(["check", "--config", "deep/jobs.mjs"], { cwd });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "deep/jobs.mjs: ok, 1 task, plugins: none\n",
    });
  });

  it.each([
    [["--config", "nowhere.ts"], "--config nowhere.ts: there is no such file"],
    [["--config", "package.json"], "a config is a .ts, .mts, .js or .mjs file"],
    [[], "no worker.config.ts (or .mts, .js, .mjs) in "],
  ])("exits with 2 for %j", async (argv, message) => {
    const { code, stdout, stderr } = await cli(["jobs", "list", ...argv], {
      cwd: await project({}),
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
