import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, runOnce, WorkerPreset } from "graphile-worker";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { defineTask, taken, workerPreset } from "../src/index.ts";
import { migratedDatabase } from "./support/database.ts";
import { gate, plugin } from "./support/plugins.ts";
import { errorOf } from "./support/results.ts";
import { quietLogger, until } from "./support/worker.ts";

const CLI = fileURLToPath(new URL("cli.js", import.meta.resolve("graphile-worker")));
const CONFIG = fileURLToPath(new URL("fixtures/preset/graphile.config.ts", import.meta.url));

/** A database with the fixture's log, and jobs that SQL added. */
async function prepared() {
  const database = await migratedDatabase();
  const pool = database.pool();
  await pool.query("create table log (id serial, line text)");
  const lines = async () =>
    (await pool.query<{ line: string }>("select line from log order by id")).rows.map(
      ({ line }) => line,
    );
  const add = (task: string, n: number, maxAttempts = 1) =>
    pool.query("select graphile_worker.add_job($1, $2::json, max_attempts := $3)", [
      task,
      JSON.stringify({ n }),
      maxAttempts,
    ]);
  const jobs = async () =>
    (await pool.query("select * from graphile_worker._private_jobs order by id")).rows;
  return { database, pool, lines, add, jobs };
}

/** graphile-worker's own program, on the fixture's config, in an empty folder. */
async function graphileWorker(url: string, args: string[], env: Record<string, string> = {}) {
  const cwd = await mkdtemp(join(tmpdir(), "oppulence-preset-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const child = spawn(
    process.execPath,
    ["--conditions=@oppulence/source", CLI, "--config", CONFIG, ...args],
    // The variable is what both see: the program, and the preset's own pool.
    { cwd, env: { ...process.env, DATABASE_URL: url, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => {
      output += data.toString();
    });
  const exited = once(child, "close").then(([code, signal]) => ({ code, signal, output }));
  return { child, exited };
}

describe("workerPreset, in graphile-worker's own program", () => {
  it.each([
    ["without a local queue", {}],
    ["with a local queue", { LOCAL_QUEUE: "1" }],
  ])("runs jobs with their hooks between the plugins' start and stop, %s", async (_, env) => {
    const { database, lines, add, jobs } = await prepared();
    for (const n of [1, 2, 3]) await add("hello", n);
    await add("plain", 0);
    const { child, exited } = await graphileWorker(database.url, [], env);
    await until(async () => (await lines()).length === 5, "every job was tried", 20_000);
    await until(async () => (await jobs()).length === 1, "the ends are written");
    await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
    child.kill("SIGTERM");
    const { output } = await exited;
    const seen = await lines();
    expect(seen[0]).toBe("started");
    expect(seen.at(-1)).toBe("stopped");
    expect(seen.slice(1, -1).sort()).toEqual([
      "deferred 2",
      "failed three",
      'hello 1 {"observer":"hello"}',
      'hello 2 {"observer":"hello"}',
    ]);
    expect(output).toContain("plain 4");
    expect(await jobs()).toMatchObject([
      { payload: { n: 3 }, attempts: 1, max_attempts: 1, last_error: "three" },
    ]);
  });

  it("runs what is ready and ends, with --once", async () => {
    const { database, lines, add, jobs } = await prepared();
    await add("hello", 1);
    const { exited } = await graphileWorker(database.url, ["--once"]);
    expect((await exited).code).toBe(0);
    expect(await lines()).toEqual(["started", 'hello 1 {"observer":"hello"}', "stopped"]);
    expect(await jobs()).toEqual([]);
  });

  // The engine went on to its next fetch, and ran jobs past plugins that had never started.
  it.each([
    ["", [], {}],
    [", with a local queue", [], { LOCAL_QUEUE: "1" }],
    [", with --once", ["--once"], {}],
  ])("ends, says why and runs no job when a plugin cannot start%s", async (_, args, env) => {
    const { database, lines, add, jobs } = await prepared();
    await add("hello", 1);
    const { exited } = await graphileWorker(database.url, args, { ...env, FAIL_START: "1" });
    const { code, output } = await exited;
    // graphile-worker's runner keeps the failure of a lasting pool to itself.
    expect(code).toBe(args.length === 0 ? 0 : 1);
    expect(output).toContain("error could not start, shutting down: no Redis");
    expect(await lines()).toEqual(["started"]);
    expect(await jobs()).toMatchObject([{ locked_at: null, last_error: null }]);
  });
});

describe("workerPreset, in run()", () => {
  const logger = quietLogger();

  async function withPreset(taskDirectory?: string) {
    const { database, add, jobs, pool } = await prepared();
    const log: string[] = [];
    const engine = database.pool();
    /** Moves the row of the first job; that of the second is another claim's. */
    const leave = async (id: string) => {
      const where = "graphile_worker._private_jobs where id = $1";
      const [row] = (await pool.query(`select payload from ${where}`, [id])).rows;
      const isFirst = row.payload.n === 1;
      if (isFirst) await pool.query(`delete from ${where}`, [id]);
      else
        await pool.query(
          "update graphile_worker._private_jobs set locked_by = 'other' where id = $1",
          [id],
        );
      return isFirst;
    };
    const preset: GraphileConfig.Preset = {
      extends: [
        WorkerPreset,
        workerPreset({
          pool,
          config: false,
          logger,
          ...(taskDirectory === undefined ? {} : { worker: { taskDirectory } }),
          tasks: [
            defineTask({ identifier: "hello", run: () => void log.push("ran") }),
            defineTask({ identifier: "leaves", run: (_, { job }) => taken(leave(job.id)) }),
          ],
          plugins: [
            plugin("observer", {
              start: async () => void log.push("started"),
              stop: async () => void log.push("stopped"),
              beforeRun: gate(({ task }) => void log.push(`asked ${task.identifier}`)),
            }),
          ],
        }),
      ],
      worker: { logger, concurrentJobs: 1 },
    };
    const options = { preset, pgPool: engine, noHandleSignals: true, parsedCronItems: [] };
    return { options, add, jobs, log };
  }

  it("starts plugins before the first job and stops them with the runner", async () => {
    const { options, add, log, jobs } = await withPreset();
    await add("hello", 1);
    const runner = await run(options);
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(log).toEqual(["started", "asked hello", "ran"]);
    await add("hello", 2);
    await until(async () => (await jobs()).length === 0, "the second job is done");
    await runner.stop();
    expect(log).toEqual(["started", "asked hello", "ran", "asked hello", "ran", "stopped"]);
  });

  it("waits for rows that tasks have moved, and leaves what is another claim's alone", async () => {
    const { options, add, jobs } = await withPreset();
    await add("leaves", 1);
    await add("leaves", 2);
    await runOnce(options);
    expect(await jobs()).toMatchObject([{ locked_by: "other", last_error: null }]);
  });

  it("takes the task list that run() is given beside its own, and wraps it too", async () => {
    const { options, add, log } = await withPreset();
    await add("given", 1);
    await runOnce({ ...options, taskList: { given: () => void log.push("given ran") } });
    expect(log).toEqual(["started", "asked given", "given ran", "stopped"]);
  });

  it("takes a task directory, wraps its tasks, and refuses one that is defined in code", async () => {
    const folder = await mkdtemp(join(tmpdir(), "oppulence-tasks-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "found.mjs"), "export default () => {};");
    const good = await withPreset(folder);
    await good.add("found", 1);
    await runOnce(good.options);
    expect(good.log).toEqual(["started", "asked found", "stopped"]);
    expect(await good.jobs()).toEqual([]);

    await writeFile(join(folder, "hello.mjs"), "export default () => {};");
    // The engine prints the error as well.
    const trace = vi.spyOn(console, "trace").mockImplementation(() => {});
    onTestFinished(() => trace.mockRestore());
    const clashing = await withPreset(folder);
    const error = await errorOf(runOnce(clashing.options));
    expect(error).toMatchObject({ code: "INVALID_CONFIGURATION" });
    expect(error.message).toContain('task "hello" is defined twice: ');
    expect(clashing.log).not.toContain("ran");
  });
});
