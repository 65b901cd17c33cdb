import { Readable } from "node:stream";
import { drop, reject } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { project } from "../../project.ts";
import { config, plugin } from "../../sample-config.ts";
import { queue } from "./queue.ts";

describe("jobs add", () => {
  it("adds a job with everything it can have", async () => {
    const { json } = await queue();
    const { code, value } = await json([
      ...[
        "add",
        "send_email",
        "--payload",
        '{"to":"ada"}',
        "--key",
        "k",
        "--key-mode",
        "preserve_run_at",
      ],
      ...[
        "--queue",
        "q",
        "--run-at",
        "2040-01-02T03:04:05Z",
        "--priority",
        "-5",
        "--max-attempts",
        "3",
      ],
      ...["--label", "tenant=acme", "--label", "eq=a=b", "--flag", "plain"],
    ]);
    expect({ code, status: value.status }).toEqual({ code: 0, status: "added" });
    expect((await json(["show", value.id])).value).toMatchObject({
      task: "send_email",
      payload: { to: "ada" },
      key: "k",
      queue: "q",
      runAt: "2040-01-02T03:04:05.000Z",
      priority: -5,
      maxAttempts: 3,
      labels: { tenant: "acme", eq: "a=b" },
      flags: ["plain"],
    });
  });

  it("reads the payload from a file and from standard input", async () => {
    const { json } = await queue();
    const cwd = await project({ "payload.json": '\uFEFF{"to":"file"}' });
    const payloadOf = async (argv: string[], options: object) => {
      const { value } = await json(["add", "send_email", "--payload", ...argv], options);
      return (await json(["show", value.id])).value.payload;
    };
    expect(await payloadOf(["@payload.json"], { cwd })).toEqual({ to: "file" });
    expect(await payloadOf(["-"], { stdin: Readable.from(['{"to":', '"stdin"}']) })).toEqual({
      to: "stdin",
    });
  });

  it("adds an empty object without --payload, and any JSON with it", async () => {
    const { json } = await queue();
    for (const [argv, payload] of [
      [[], {}],
      [
        ["--payload", "[1,2]"],
        [1, 2],
      ],
      [["--payload", '"text"'], "text"],
      [["--payload", "null"], null],
    ] as const) {
      const { value } = await json(["add", "anything", ...argv]);
      expect((await json(["show", value.id])).value.payload).toEqual(payload);
    }
  });

  it.each([
    [["send_email"], 'payload of task "send_email" does not match its schema: to:'],
    [["send_email", "--payload", "{to: 1}"], "--payload is not JSON"],
    [["send_email", "--payload", "@nowhere.json"], "--payload @nowhere.json: ENOENT"],
    [["send_emial"], 'unknown task "send_emial", did you mean "send_email"?'],
    [["anything", "--priority", "1e3"], '--priority got "1e3"'],
    [["anything", "--run-at", "now"], '--run-at got "now"'],
    [["anything", "--key-mode", "fast"], "Allowed choices are replace"],
    [["anything", "--label", "1x=2"], "label name"],
    [[], "missing required argument 'task'"],
  ])("exits with 2 and adds nothing for %j", async (argv, message) => {
    const { jobs, json } = await queue();
    const { code, stderr } = await jobs(["add", ...argv]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect((await json(["list"])).value).toEqual([]);
  });

  it("passes the job through the plugins", async () => {
    const { jobs, json, url } = await queue();
    const decide = (decision: ReturnType<typeof drop> | ReturnType<typeof reject>) => ({
      config: config(
        url,
        plugin("dedup", {
          beforeEnqueue: { phase: "identify", onError: "open", run: () => decision },
        }),
      ),
    });
    const dropped = decide(drop({ code: "SAME", message: "it is there already" }, "17"));
    expect(await jobs(["add", "anything"], dropped)).toEqual({
      code: 0,
      stdout: "not added: dropped by dedup: it is there already; job 17 stands for it\n",
      stderr: "",
    });
    const rejected = decide(reject({ code: "FULL", message: "no room" }));
    expect(await json(["add", "anything"], rejected)).toMatchObject({
      code: 1,
      value: { error: { code: "JOB_REJECTED", message: expect.stringContaining("no room") } },
    });
  });

  it("says that the database is not migrated, and does not migrate it", async () => {
    const { jobs, pool } = await queue();
    await pool.query("delete from oppulence_worker.core_migrations");
    const { code, stderr } = await jobs(["add", "anything"]);
    expect(code).toBe(1);
    expect(stderr).toContain("pending");
    const { rows } = await pool.query("select from oppulence_worker.core_migrations");
    expect(rows).toEqual([]);
  });
});
