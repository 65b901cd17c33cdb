import { describe, expect, it } from "vitest";
import { type AnyPlugin, defineTask, type TaskContext } from "../../src/index.ts";
import { gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const observer = plugin("observer", { afterRun: { run: () => {} } });
const setups: [string, AnyPlugin[]][] = [
  ["without hooks", []],
  ["with hooks", [observer]],
];

describe("a task's context", () => {
  it.each(setups)("has the labels, of jobs that SQL added too, %s", async (_, plugins) => {
    const seen: unknown[] = [];
    const task = defineTask({
      identifier: "t",
      run: (_payload, { labels, job }) => void seen.push([job.task_identifier, { ...labels }]),
    });
    const { worker, sql } = await testWorker({ tasks: [task], plugins });
    await sql(
      `select graphile_worker.add_job('t', flags := array['tenant=acme', 'v=3', 'plain', '=x', '9=y', 'note=a=b'])`,
    );
    await sql("select graphile_worker.add_job('t')");
    await worker.start();
    await until(() => seen.length === 2, "both jobs ran");
    expect(seen).toContainEqual(["t", { tenant: "acme", v: "3", note: "a=b" }]);
    expect(seen).toContainEqual(["t", {}]);
  });

  it.each(setups)(
    "runs queries, alone and in a transaction with the jobs it adds, %s",
    async (_, plugins) => {
      const task = defineTask({
        identifier: "t",
        run: async (payload, { query, transaction, addJob, addJobs, withPgClient }) => {
          const { fails } = payload as { fails: boolean };
          await query("insert into log values ($1)", ["query"]);
          await withPgClient((client) => client.query("insert into log values ('client')"));
          await transaction(async (inside) => {
            await inside("insert into log values ('transaction')");
            await addJob("next", { n: 1 }, { client: inside });
            await addJobs([{ task: "next", payload: { n: 2 } }], { client: inside });
            if (fails) throw new Error("no luck");
          });
        },
      });
      const { worker, jobs, sql } = await testWorker({
        tasks: [task, defineTask({ identifier: "next", run: () => {} })],
        plugins,
        worker: { concurrentJobs: 1 },
      });
      await sql("create table log (line text)");
      await worker.addJob(task, { fails: true }, { maxAttempts: 1 });
      await worker.start();
      await until(async () => (await jobs())[0]?.last_error === "no luck", "the task failed");
      expect(await sql("select line from log")).toEqual([{ line: "query" }, { line: "client" }]);
      expect(await jobs()).toHaveLength(1);

      const ran: unknown[] = [];
      worker.events.on("job:succeeded", ({ job }) => void ran.push(job.payload));
      await sql("truncate log");
      await worker.addJob(task, { fails: false });
      await until(() => ran.length === 3, "the task and the two jobs it added ran");
      expect(ran).toEqual([{ fails: false }, { n: 1 }, { n: 2 }]);
      expect(await sql("select line from log")).toHaveLength(3);
    },
  );

  it.each(setups)("has an empty set of grants, and a logger, %s", async (_, plugins) => {
    const seen: TaskContext[] = [];
    const { worker, logs } = await testWorker({
      tasks: [
        defineTask({
          identifier: "t",
          run: (_payload, context) => {
            context.logger.info("hello");
            seen.push(context);
          },
        }),
      ],
      plugins,
    });
    await worker.addJob("t", {});
    await worker.start();
    await until(() => seen.length === 1, "the job ran");
    expect(seen[0]?.plugins).toEqual({});
    expect(logs).toContainEqual({ level: "info", message: "hello" });
    expect(seen[0]?.signal.aborted).toBe(false);
  });

  it("has a signal of its own, which a plugin may abort", async () => {
    const reasons: unknown[] = [];
    const stop = new Error("cancelled");
    const { worker } = await testWorker({
      tasks: [
        defineTask({
          identifier: "t",
          run: async (payload, { signal }) => {
            if (!(payload as { stop: boolean }).stop) return void reasons.push(signal.aborted);
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            reasons.push(signal.reason);
          },
        }),
      ],
      plugins: [
        plugin("cancel", {
          beforeRun: gate((input) => {
            if ((input.payload as { stop: boolean }).stop) setImmediate(() => input.abort(stop));
          }),
        }),
      ],
    });
    await worker.start();
    await worker.addJob("t", { stop: true });
    await until(() => reasons.length === 1, "the task was aborted");
    await worker.addJob("t", { stop: false });
    await until(() => reasons.length === 2, "another job ran");
    expect(reasons).toEqual([stop, false]);
  });
});
