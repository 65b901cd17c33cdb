import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { queue } from "./queue.ts";

describe("jobs retry", () => {
  it("gives the attempts back and makes the job due now", async () => {
    const { add, fail, jobs, json, pool } = await queue();
    const id = await add("anything", { run_at: "2040-01-01T00:00:00Z" });
    await fail([id]);
    expect(await jobs(["retry", id])).toEqual({ code: 0, stdout: "retried 1 of 1\n", stderr: "" });
    expect((await json(["show", id])).value).toMatchObject({ attempts: 0, state: "ready" });
    const { rows } = await pool.query("select run_at <= now() as due from graphile_worker.jobs");
    expect(rows).toEqual([{ due: true }]);
  });

  it("says of each job that it left alone why", async () => {
    const { add, fail, json, running } = await queue();
    const failed = await add();
    await fail([failed]);
    const busy = await running();
    const { code, value } = await json(["retry", failed, busy, "4711"]);
    expect(code).toBe(1);
    expect(value).toMatchObject([
      { id: failed, result: "retried" },
      { id: busy, result: "unchanged", task: "blocks", detail: expect.stringContaining("running") },
      { id: "4711", result: "not found" },
    ]);
  });

  it("takes a filter, and then means the failed ones", async () => {
    const { add, fail, json } = await queue();
    const failed = [await add("send_email"), await add("send_email")];
    await fail([...failed, await add("anything")]);
    await add("send_email");
    const { code, value } = await json(["retry", "--task", "send_email", "--yes"]);
    expect(code).toBe(0);
    expect(value.map(({ id }: { id: string }) => id)).toEqual(failed);
  });

  it("changes nothing when it is not confirmed", async () => {
    const { add, fail, jobs, json } = await queue();
    const id = await add();
    await fail([id]);
    const { code, stderr } = await jobs(["retry", "--all"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Retry 1 job? There is no terminal to ask on: say --yes");
    expect(await json(["retry", "--all"])).toMatchObject({
      code: 1,
      value: { error: { code: "NOT_CONFIRMED" } },
    });
    expect((await json(["show", id])).value.state).toBe("failed");
  });

  it.each([
    ["y\n", 0, "ready"],
    ["\n", 1, "failed"],
    ["no\n", 1, "failed"],
    ["", 1, "failed"],
  ])("asks on a terminal: %j", async (answer, code, state) => {
    const { add, fail, jobs, json } = await queue();
    const id = await add();
    await fail([id]);
    const stdin = Object.assign(Readable.from([answer]), { isTTY: true });
    const result = await jobs(["retry", "--all"], { columns: 80, stdin });
    expect(result.code).toBe(code);
    expect(result.stderr).toContain("Retry 1 job? [y/N]");
    expect((await json(["show", id])).value.state).toBe(state);
  });

  it("leaves alone what no longer matches once the question is answered", async () => {
    const { add, fail, jobs, json, pool } = await queue();
    const [first, second] = [await add(), await add()];
    await fail([first, second]);
    // Whoever is asked has retried one of them meanwhile.
    async function* answer() {
      await pool.query("select graphile_worker.reschedule_jobs(array[$1::bigint], attempts => 0)", [
        first,
      ]);
      yield "y\n";
    }
    const stdin = Object.assign(Readable.from(answer()), { isTTY: true });
    const { code, stdout } = await jobs(["cancel", "--state", "failed"], { columns: 80, stdin });
    expect(code).toBe(1);
    expect(stdout).toContain("changed by somebody else meanwhile");
    expect((await json(["list"])).value).toMatchObject([{ id: first, state: "ready" }]);
  });

  it("exits with 2 when it is not told which jobs, or twice", async () => {
    const { jobs } = await queue();
    const { code, stderr } = await jobs(["retry"]);
    expect(code).toBe(2);
    expect(stderr).toContain("which jobs?");
    expect(await jobs(["retry", "1", "--task", "x"])).toMatchObject({ code: 2 });
    expect(await jobs(["retry", "1", "x"])).toMatchObject({ code: 2 });
  });

  it("exits with 3 when there is none", async () => {
    const { jobs, json } = await queue();
    expect(await jobs(["retry", "4711"])).toMatchObject({ code: 3 });
    expect(await json(["retry", "--all", "--yes"])).toEqual({ code: 3, value: [] });
  });

  it("takes thousands of jobs", async () => {
    const { json, pool } = await queue();
    await pool.query(
      "select graphile_worker.add_jobs(array(select ('anything', '{}', null, now(), 1, null, 0, null)::graphile_worker.job_spec from generate_series(1, 12345)))",
    );
    await pool.query(
      "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs))",
    );
    const { code, value } = await json(["retry", "--task", "anything", "--yes"]);
    expect(code).toBe(0);
    expect(value).toHaveLength(12_345);
    const { rows } = await pool.query(
      "select count(*)::int as failed from graphile_worker.jobs where attempts > 0",
    );
    expect(rows).toEqual([{ failed: 0 }]);
  });
});

describe("jobs cancel", () => {
  it("removes jobs that wait or have failed, and leaves running ones alone", async () => {
    const { add, fail, jobs, json, running } = await queue();
    const waiting = await add();
    const failed = await add();
    await fail([failed]);
    const busy = await running();
    const { code, stdout } = await jobs(["cancel", waiting, failed, busy]);
    expect(code).toBe(1);
    expect(stdout).toContain("runs where no plugin reaches it");
    expect(stdout).toContain("cancelled 2 of 3\n");
    expect((await json(["list"])).value.map(({ id }: { id: string }) => id)).toEqual([busy]);
  });

  it("removes what a filter matches", async () => {
    const { add, jobs, json } = await queue();
    await add("anything", { queue_name: "imports" });
    const other = await add("anything");
    expect(await jobs(["cancel", "--queue", "imports", "--yes"])).toMatchObject({ code: 0 });
    expect((await json(["list"])).value).toMatchObject([{ id: other }]);
  });
});

describe("jobs reschedule", () => {
  it("changes time, priority and attempts", async () => {
    const { add, jobs, json } = await queue();
    const id = await add();
    const argv = [
      "reschedule",
      id,
      "--at",
      "2040-01-02T03:04:05+02:00",
      "--priority",
      "-5",
      "--max-attempts",
      "3",
    ];
    expect(await jobs(argv)).toMatchObject({ code: 0, stdout: "rescheduled 1 of 1\n" });
    expect((await json(["show", id])).value).toMatchObject({
      runAt: "2040-01-02T01:04:05.000Z",
      priority: -5,
      maxAttempts: 3,
      state: "scheduled",
    });
  });

  it("counts --in from the database's clock", async () => {
    const { add, jobs, pool } = await queue();
    await jobs(["reschedule", await add(), "--in", "1h 30m"]);
    const { rows } = await pool.query(
      "select run_at between now() + interval '89 minutes' and now() + interval '90 minutes' as right from graphile_worker.jobs",
    );
    expect(rows).toEqual([{ right: true }]);
  });

  it("takes a filter, and then means the waiting ones", async () => {
    const { add, fail, json } = await queue();
    const waiting = await add();
    await fail([await add()]);
    const { value } = await json(["reschedule", "--all", "--in", "1m", "--yes"]);
    expect(value).toEqual([{ id: waiting, result: "rescheduled" }]);
  });

  it.each([
    [[], "what is to change?"],
    [["--at", "tomorrow"], '--at got "tomorrow"; it is a date and time with its zone'],
    [["--at", "2040-02-30T00:00:00Z"], '--at got "2040-02-30T00:00:00Z"'],
    [["--at", "2040-01-01T00:00:00"], "with its zone"],
    [["--in", "5"], '--in: got "5", which has no unit'],
    [["--in", "5m", "--at", "2040-01-01T00:00:00Z"], "got both --at and --in"],
    [["--priority", "99999"], '--priority got "99999"; it is a whole number from -32768 to 32767'],
    [["--max-attempts", "1.5"], '--max-attempts got "1.5"'],
  ])("exits with 2 for %j", async (argv, message) => {
    const { code, stderr } = await (await queue()).jobs(["reschedule", "1", ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
