import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkConfig, declareTask, defineTask } from "../src/index.ts";
import { NOWHERE } from "./support/configuration.ts";
import { gate, plugin } from "./support/plugins.ts";

const tasks = [defineTask({ identifier: "t", run: () => {} })];

async function sqlFolder(files: Record<string, string>): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), "oppulence-sql-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return pathToFileURL(`${folder}/`);
}

describe("checkConfig", () => {
  it("finds nothing wrong with a good configuration, without a database", async () => {
    const modes: string[] = [];
    const good = plugin("good", ({ mode }) => {
      modes.push(mode);
      return { check: async () => [], start: () => void modes.push("started") };
    });
    expect(await checkConfig({ config: false, tasks, plugins: [good] })).toEqual([]);
    expect(await checkConfig({ config: false, taskList: { t: () => {} } })).toEqual([]);
    expect(await checkConfig({ config: false, worker: { taskDirectory: "tasks" } })).toEqual([]);
    expect(modes).toEqual(["offline"]);
  });

  it("tells every problem that createWorker would find, one sentence each", async () => {
    const pool = new pg.Pool();
    const problems = await checkConfig({
      config: false,
      pool,
      connectionString: NOWHERE,
      stopTimeout: "soon",
      tasks: [...tasks, ...tasks],
      plugins: [plugin("a"), plugin("a"), plugin("b", {}, { requires: ["c"] })],
      loger: 1,
      shema: 1,
    } as never);
    expect(problems).toEqual([
      'createWorker: unknown option "loger", did you mean "logger"?',
      'createWorker: unknown option "shema", did you mean "schema"?',
      "got both pool and connectionString; give one of them",
      expect.stringContaining('stopTimeout: got "soon"'),
      "plugin a is in plugins twice; a name may occur once",
      "plugin b requires the plugin c, which is not in plugins",
      expect.stringContaining('task "t" is defined twice'),
    ]);
  });

  it("tells what a start would find: declared tasks, no tasks, broken migrations", async () => {
    const declared = [declareTask({ identifier: "d" })];
    expect(await checkConfig({ config: false, tasks: declared })).toEqual([
      'task "d" is only declared; a worker needs defineTask, with `run`',
    ]);
    expect(await checkConfig({ config: false })).toEqual([
      "a worker without tasks has nothing to run: give tasks, taskList or worker.taskDirectory",
    ]);
    const directory = await sqlFolder({ "1_wrong.sql": "select 1" });
    const shipping = plugin("shipping", {}, { migrations: { directory } });
    const [problem, ...others] = await checkConfig({ config: false, tasks, plugins: [shipping] });
    expect(problem).toContain("migrations of shipping: ");
    expect(others).toEqual([]);
  });

  it("asks the plugins, and says which of them found what", async () => {
    const problems = await checkConfig({
      config: false,
      tasks,
      plugins: [
        plugin("cron", { check: () => ["schedule nightly never fires", "schedule x has no task"] }),
        plugin("throws", {
          check: () => {
            throw new Error("no file");
          },
        }),
        plugin("rejects", { check: () => Promise.reject(new Error("gone")) }),
        plugin("silent"),
      ],
    });
    expect(problems).toEqual([
      "plugin cron: schedule nightly never fires",
      "plugin cron: schedule x has no task",
      "plugin throws: its check failed: no file",
      "plugin rejects: its check failed: gone",
    ]);
  });

  it("does not ask plugins that the overlay has switched off, but checks their hooks' place", async () => {
    const env = { OPPULENCE_WORKER__PLUGINS__CRON__ENABLED: "false" };
    const cron = plugin("cron", { check: () => ["wrong"], beforeRun: gate(() => undefined) });
    expect(await checkConfig({ config: { env }, tasks, plugins: [cron] })).toEqual([]);
    expect(await checkConfig({ config: false, tasks, plugins: [cron] })).toEqual([
      "plugin cron: wrong",
    ]);
  });
});
