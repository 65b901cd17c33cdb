import { describe, expect, it, vi } from "vitest";
import { bin, cli, start } from "../command-line.ts";
import { migrated } from "../database.ts";
import { project } from "../project.ts";
import { config, plugin } from "../sample-config.ts";

/** Its task waits for an advisory lock that the test holds, then leaves a trace. */
const CONFIG = `
import { defineConfig, defineTask } from "@oppulence/worker-core";
const slow = defineTask({
  identifier: "slow",
  run: async (_payload, { query }) => {
    await query("select pg_advisory_lock_shared(42)");
    await query("create table trace ()");
  },
});
export default defineConfig({ tasks: [slow] });
`;

/** A worker whose one job has begun and waits until `release` is called. */
async function busyWorker(argv: readonly string[] = []) {
  const { url, pool } = await migrated();
  const holder = await pool.connect();
  await holder.query("select pg_advisory_lock(42)");
  const release = async () => {
    await holder.query("select pg_advisory_unlock(42)");
    holder.release();
  };
  await pool.query("select graphile_worker.add_job('slow')");
  const cwd = await project({ "worker.config.ts": CONFIG });
  const child = start(["run", ...argv], { cwd, env: { DATABASE_URL: url } });
  await child.waitFor("stdout", "ready");
  await vi.waitFor(async () => {
    const { rows } = await pool.query(
      "select from pg_locks where locktype = 'advisory' and not granted",
    );
    expect(rows).toHaveLength(1);
  }, 10_000);
  const jobs = async () =>
    (await pool.query("select attempts, locked_at from graphile_worker.jobs")).rows;
  return { child, pool, release, jobs };
}

describe("run", () => {
  it("finishes the job that runs on SIGTERM, then exits with 0", async () => {
    const { child, pool, release, jobs } = await busyWorker();
    child.process.kill("SIGTERM");
    await child.waitFor("stderr", "stopping: 1 jobs run");
    await release();
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    expect(await jobs()).toEqual([]);
    expect((await pool.query("select to_regclass('trace') as trace")).rows).toEqual([
      { trace: "trace" },
    ]);
  });

  it("is ended at once by a second signal", async () => {
    const { child, release } = await busyWorker();
    child.process.kill("SIGINT");
    await child.waitFor("stderr", "stopping");
    child.process.kill("SIGINT");
    expect(await child.ended).toMatchObject({ code: null, signal: "SIGINT" });
    await release();
  });

  it("prints one line of JSON when ready with --json, and its log elsewhere", async () => {
    const { child, release } = await busyWorker(["--json"]);
    await release();
    child.process.kill("SIGTERM");
    const { code, stdout, stderr } = await child.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ event: "ready", tasks: ["slow"], plugins: [] });
    expect(stderr).toContain("Completed task");
  });

  it("keeps running when nobody reads its output any more", async () => {
    const { child, release, jobs } = await busyWorker();
    child.process.stdout.destroy();
    await release();
    await vi.waitFor(async () => expect(await jobs()).toEqual([]), 10_000);
    child.process.kill("SIGTERM");
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
  });

  it("fails with one line when the database cannot be reached", async () => {
    const cwd = await project({ "worker.config.ts": CONFIG });
    const env = { DATABASE_URL: "postgres://worker:long-enough-secret@127.0.0.1:1/none" };
    const { code, stdout, stderr } = await bin(["run"], { cwd, env });
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^error: cannot reach PostgreSQL at 127\.0\.0\.1:1\/none: .*ECONNREFUSED.*\n$/,
    );
  });

  it("leaves what a task throws outside of its promise to Node, and the attempt used", async () => {
    const { url, pool } = await migrated();
    const poison = `
import { defineConfig, defineTask } from "@oppulence/worker-core";
const run = () => new Promise(() => setImmediate(() => { throw new Error("poison"); }));
export default defineConfig({ tasks: [defineTask({ identifier: "poison", run })] });`;
    await pool.query("select graphile_worker.add_job('poison')");
    const cwd = await project({ "worker.config.ts": poison });
    const { code, stderr } = await bin(["run"], { cwd, env: { DATABASE_URL: url } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Error: poison\n\s+at .*worker\.config\.ts/);
    const { rows } = await pool.query("select attempts from graphile_worker.jobs");
    expect(rows).toEqual([{ attempts: 1 }]);
  });

  it("fails when a plugin cannot start", async () => {
    const { url } = await migrated();
    const broken = plugin("broken", { start: () => Promise.reject(new Error("no socket")) });
    const { code, stderr } = await cli(["run"], { config: config(url, broken) });
    expect(code).toBe(1);
    expect(stderr).toContain("error: no socket\n");
  });

  it("says what is wrong with its config, and exits with 2", async () => {
    const options = { ...config("postgres://localhost/none"), plugin: [] };
    const { code, stderr } = await cli(["run"], { config: options });
    expect(code).toBe(2);
    expect(stderr).toContain('unknown option "plugin", did you mean "plugins"?');
  });

  it("stops when its signal aborts", async () => {
    const { url } = await migrated();
    const stop = new AbortController();
    const starting = plugin("stopper", { start: () => stop.abort() });
    expect(
      await cli(["run"], { config: config(url, starting), signal: stop.signal }),
    ).toMatchObject({
      code: 0,
    });
  });
});
