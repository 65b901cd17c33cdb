import { createClient, createWorker, defineTask } from "@oppulence/worker-core";
import { Logger } from "graphile-worker";
import { onTestFinished } from "vitest";
import { cli, type InProcess, type Result } from "../../command-line.ts";
import { type Database, migrated } from "../../database.ts";
import { anything, config, email } from "../../sample-config.ts";

/** A migrated database with ways to fill it and to run command lines on it. */
export interface Queue extends Database {
  /** Runs `jobs …`. */
  jobs(argv: readonly string[], options?: InProcess): Promise<Result & { readonly code: number }>;
  /** The same with `--json`, parsed. */
  json(argv: readonly string[], options?: InProcess): Promise<{ code: number; value: any }>;
  /** Adds a job by SQL. @returns its id */
  add(task?: string, options?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Makes jobs fail for good. */
  fail(ids: readonly string[], message?: string): Promise<void>;
  /** Parks jobs of a task. */
  hold(task: string): Promise<void>;
  /** Adds a job that runs until the test ends. @returns its id */
  running(): Promise<string>;
}

/** Makes a {@link Queue}. */
export async function queue(): Promise<Queue> {
  const { url, pool } = await migrated();
  const jobs: Queue["jobs"] = (argv, options = {}) =>
    cli(["jobs", ...argv], { config: config(url), ...options });

  async function add(task = "anything", options: Readonly<Record<string, unknown>> = {}) {
    const names = Object.keys(options);
    const rest = names.map((name, at) => `, ${name} => $${at + 2}`).join("");
    const { rows } = await pool.query(`select id from graphile_worker.add_job($1${rest})`, [
      task,
      ...Object.values(options),
    ]);
    return String(rows[0]?.id);
  }

  async function running() {
    const began = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const blocks = defineTask({
      identifier: "blocks",
      run: () => {
        began.resolve();
        return end.promise;
      },
    });
    const id = await add("blocks");
    const worker = createWorker({
      connectionString: url,
      tasks: [blocks],
      config: false,
      handleSignals: false,
      logger: new Logger(() => () => {}),
    });
    onTestFinished(async () => {
      end.resolve();
      await worker.stop();
    });
    await worker.start();
    await began.promise;
    return id;
  }

  return {
    url,
    pool,
    jobs,
    add,
    running,
    async json(argv, options) {
      const { code, stdout } = await jobs([...argv, "--json"], options);
      return { code, value: JSON.parse(stdout) };
    },
    async fail(ids, message = "it broke") {
      await pool.query("select graphile_worker.permanently_fail_jobs($1::bigint[], $2)", [
        ids,
        message,
      ]);
    },
    async hold(task) {
      const client = createClient({
        connectionString: url,
        tasks: [email, anything],
        config: false,
      });
      const reason = { plugin: "breaker", code: "OPEN", message: "smtp is down" };
      await client.engine.hold({ tasks: [task] }, undefined, reason);
      await client.stop();
    },
  };
}
