import { describe, expect, it } from "vitest";
import { queue } from "./queue.ts";

describe("jobs list", () => {
  it("lists jobs with their state and why", async () => {
    const { add, fail, hold, jobs } = await queue();
    await add("anything", { run_at: "2040-01-02T03:04:05Z", priority: 7, queue_name: "q" });
    await fail([await add("anything")], "it broke\nin two lines");
    await add("send_email", { flags: ["tenant=acme", "plain"] });
    await hold("send_email");
    const { code, stdout, stderr } = await jobs(["list"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^ID +TASK +STATE +ATTEMPTS +RUN AT +PRIORITY +QUEUE +LABELS +WHY$/);
    expect(lines[1]).toMatch(/anything +scheduled +0\/25 +2040-01-02 03:04:05Z +7 +q +- +-$/);
    expect(lines[2]).toMatch(/anything +failed +25\/25 .*it broke ⏎ in two lines$/);
    expect(lines[3]).toMatch(/send_email +held .*tenant=acme +breaker: smtp is down$/);
  });

  it("prints an array as JSON", async () => {
    const { add, json } = await queue();
    const id = await add("send_email", { flags: ["tenant=acme"], job_key: "k" });
    const { code, value } = await json(["list"]);
    expect(code).toBe(0);
    expect(value).toMatchObject([
      { id, task: "send_email", state: "ready", key: "k", labels: { tenant: "acme" }, note: null },
    ]);
  });

  it("filters by task, queue, state and labels", async () => {
    const { add, fail, json } = await queue();
    const acme = await add("send_email", { flags: ["tenant=acme", "v=2"] });
    const queued = await add("anything", { queue_name: "imports" });
    const failed = await add("anything");
    await fail([failed]);
    const ids = async (...argv: string[]) =>
      (await json(["list", ...argv])).value.map(({ id }: { id: string }) => id);
    expect(await ids("--task", "send_email")).toEqual([acme]);
    expect(await ids("--task", "send_email", "--task", "anything")).toEqual([acme, queued, failed]);
    expect(await ids("--queue", "imports")).toEqual([queued]);
    expect(await ids("--state", "failed", "--state", "running")).toEqual([failed]);
    expect(await ids("--label", "tenant=acme", "--label", "v=2")).toEqual([acme]);
    expect(await ids("--label", "tenant=acme", "--label", "v=3")).toEqual([]);
  });

  it("pages by --limit and --after", async () => {
    const { add, jobs, json } = await queue();
    const [first, second, third] = [await add(), await add(), await add()];
    const { stdout } = await jobs(["list", "--limit", "2"]);
    expect(stdout).toContain(`there are more: --after ${second}\n`);
    expect(stdout).not.toMatch(new RegExp(`^${third} `, "m"));
    const { value } = await json(["list", "--limit", "2", "--after", String(first)]);
    expect(value.map(({ id }: { id: string }) => id)).toEqual([second, third]);
    expect((await jobs(["list", "--after", String(first)])).stdout).not.toContain("there are more");
  });

  it("exits with 3 when nothing matches", async () => {
    const { jobs, json } = await queue();
    expect(await jobs(["list"])).toEqual({ code: 3, stdout: "no job matches\n", stderr: "" });
    expect(await json(["list", "--state", "held"])).toEqual({ code: 3, value: [] });
  });

  it.each([
    [["--limit", "0"], '--limit got "0"'],
    [["--limit", "many"], '--limit got "many"'],
    [["--after", "1; drop"], "got the job id"],
    [["--after", "99999999999999999999"], "got the job id"],
    [["--label", "tenant"], '--label got "tenant"; it is name=value'],
    [["--label", "a=1", "--label", "a=2"], "is there twice"],
    [["--state", "broken"], "Allowed choices are ready, scheduled, held, running, failed"],
    [["--limt", "3"], "unknown option '--limt' (Did you mean --limit?)"],
    [["extra"], "too many arguments"],
  ])("exits with 2 for %j", async (argv, message) => {
    const { code, stdout, stderr } = await (await queue()).jobs(["list", ...argv]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("cannot be made to steer the terminal by what is in a job", async () => {
    const { add, fail, jobs } = await queue();
    await fail([await add("anything")], "\u001b[2J\u001b]0;owned\u0007gone");
    const { stdout } = await jobs(["list"], { columns: 200 });
    expect(stdout).not.toContain("\u001b]0;");
    expect(stdout).toContain("\\u001b[2J");
  });

  it("lists while migrations are pending, and says so where the tables are not there at all", async () => {
    const { add, jobs, pool } = await queue();
    await add();
    await pool.query("delete from oppulence_worker.core_migrations");
    expect(await jobs(["list"])).toMatchObject({ code: 0, stderr: "" });
    await pool.query("drop schema graphile_worker cascade");
    const { code, stderr } = await jobs(["list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("run `oppulence-worker migrate`");
  });
});
