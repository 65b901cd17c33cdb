import { describe, expect, it } from "vitest";
import { bin, cli } from "../command-line.ts";
import { project } from "../project.ts";

const IMPORT = 'import { defineConfig, defineTask } from "@oppulence/worker-core";';
const WHOLE = `${IMPORT}\nexport default defineConfig({ tasks: [defineTask({ identifier: "t", run: () => {} })], config: false });`;
const TASK = `import { defineTask } from "@oppulence/worker-core";
export interface Options { readonly a: number }
export const task = defineTask({ identifier: "t", run: () => {} });`;
const using = (from: string, names = "task") =>
  `${IMPORT}\nimport { ${names} } from "${from}";\nexport default defineConfig({ tasks: [task], config: false });`;

async function check(
  files: Readonly<Record<string, string>>,
  manifest?: object,
  argv: string[] = [],
) {
  const cwd = await project(files, manifest);
  return bin(["check", "--verbose", ...argv], { cwd });
}

describe("loading the config by Node", () => {
  it.each([
    ["worker.config.ts", WHOLE, { type: "module" }],
    ["worker.config.ts", WHOLE, {}],
    ["worker.config.mts", WHOLE, { type: "commonjs" }],
    ["worker.config.js", WHOLE, { type: "module" }],
    ["worker.config.mjs", WHOLE, {}],
    [
      "worker.config.js",
      'const { defineTask } = require("@oppulence/worker-core");\nmodule.exports = { tasks: [defineTask({ identifier: "t", run() {} })], config: false };',
      { type: "commonjs" },
    ],
  ])("takes %s", async (name, content, manifest) => {
    const { code, stdout, stderr } = await check({ [name]: content }, manifest);
    expect(stdout).toBe(`${name}: ok, 1 tasks, plugins: none\n`);
    expect(stderr).toBe(`config ${name}, loaded by node\n`);
    expect(code).toBe(0);
  });

  it("takes imports of TypeScript as Node wants them", async () => {
    const { code, stderr } = await check({
      "worker.config.ts": using("./task.ts", "task, type Options"),
      "task.ts": TASK,
    });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "config worker.config.ts, loaded by node\n",
    });
  });
});

describe("loading the config by jiti, where Node refuses", () => {
  it.each([
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
    ["CommonJS in an ES module", { "worker.config.ts": `const here = __dirname;\n${WHOLE}` }],
  ])("takes %s", async (_, files) => {
    const { code, stdout, stderr } = await check(files);
    expect(stderr).toContain("loaded by jiti");
    expect(stdout).toBe("worker.config.ts: ok, 1 tasks, plugins: none\n");
    expect(code).toBe(0);
  });

  it("takes ESM syntax in a package that says CommonJS", async () => {
    const { code, stdout } = await check({ "worker.config.ts": WHOLE }, { type: "commonjs" });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("ok") });
  });
});

describe("finding the config", () => {
  it("looks upwards from the working directory", async () => {
    const root = await project({ "worker.config.ts": WHOLE, "apps/web/x.txt": "" });
    const { code, stdout } = await bin(["check"], { cwd: `${root}/apps/web` });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "../../worker.config.ts: ok, 1 tasks, plugins: none\n",
    });
  });

  it("takes the file that --config names", async () => {
    const { code, stdout } = await check({ "deep/jobs.mjs": WHOLE }, {}, [
      "--config",
      "deep/jobs.mjs",
    ]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("deep/jobs.mjs: ok"),
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

describe("a config that cannot be used", () => {
  it.each([
    [
      "throws",
      'throw new Error("no token");',
      "worker.config.ts could not be loaded: no token (worker.config.ts:1:",
    ],
    ["cannot be parsed", "export default {", "worker.config.ts could not be loaded: "],
    [
      "throws in a module it imports",
      'import "./other.ts";',
      "could not be loaded: deep (other.ts:1:",
    ],
    [
      "has no default export",
      "export const config = {};",
      "has no default export, it exports config: write",
    ],
    ["exports nothing", "", "has no default export, it exports nothing"],
    ["exports a function", "export default function make() {}", "is a function (make): write"],
    [
      "exports a promise",
      "export default Promise.resolve({});",
      "is a promise; await it in the config",
    ],
    ["exports null", "export default null;", "is null"],
    ["exports an array", "export default [];", "is an array"],
    [
      "exports a worker",
      'import { createClient } from "@oppulence/worker-core";\nexport default createClient({ connectionString: "x" });',
      "is a worker or client that was made already",
    ],
    [
      "has options that do not exist",
      "export default { plugin: [] };",
      'unknown option "plugin", did you mean "plugins"?',
    ],
    [
      "imports what is not installed",
      'import "@nobody/nothing/deep";\nexport default {};',
      "worker.config.ts needs the package @nobody/nothing, which is not installed: npm install @nobody/nothing",
    ],
    [
      "imports a file that is not there",
      'import "./nothing.ts";',
      "could not be loaded: Cannot find module",
    ],
    ["is rejected by what it throws", "throw undefined;", "could not be loaded: undefined"],
  ])("%s", async (_, content, message) => {
    const cwd = await project({
      "worker.config.ts": content,
      "other.ts": 'throw new Error("deep");',
    });
    const env = { DATABASE_URL: "postgres://127.0.0.1:1/none" };
    const { code, stdout, stderr } = await bin(["jobs", "list"], { cwd, env });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
