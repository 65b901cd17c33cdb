import { describe, expect, it } from "vitest";
import { config, plugin } from "../../sample-config.ts";
import { queue } from "./queue.ts";

describe("jobs show", () => {
  it("shows everything of a row", async () => {
    const { add, hold, jobs, json } = await queue();
    const payload = JSON.stringify({ to: "ü🎉", lines: [1, { deep: true }] });
    const id = await add("send_email", { payload, flags: ["tenant=acme", "plain"] });
    await hold("send_email");
    const { code, value } = await json(["show", id]);
    expect(code).toBe(0);
    expect(value).toMatchObject({
      id,
      task: "send_email",
      state: "held",
      labels: { tenant: "acme" },
      flags: ["plain"],
      note: { plugin: "breaker", code: "OPEN", message: "smtp is down", kind: "held" },
      payload: { to: "ü🎉", lines: [1, { deep: true }] },
    });
    const { stdout } = await jobs(["show", id]);
    expect(stdout).toMatch(/^state +held$/m);
    expect(stdout).toContain('  "to": "ü🎉"');
  });

  it("exits with 3 when the job is gone", async () => {
    const { jobs, json } = await queue();
    expect(await jobs(["show", "4711"])).toMatchObject({ code: 3, stderr: "" });
    expect(await json(["show", "4711"])).toEqual({
      code: 3,
      value: { id: "4711", state: "gone", note: null },
    });
  });

  it("exits with 2 for what cannot be an id", async () => {
    const { code, stderr } = await (await queue()).jobs(["show", "abc"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'error: got the job id "abc"; an id is a whole number\n',
    });
  });
});

describe("jobs explain", () => {
  it("says why a job does not run", async () => {
    const { add, hold, jobs } = await queue();
    const id = await add("send_email", { payload: "{}" });
    await hold("send_email");
    const { code, stdout } = await jobs(["explain", id]);
    expect(code).toBe(0);
    expect(stdout).toContain(`job ${id} (send_email), held: held by breaker: smtp is down\n`);
  });

  it("asks the plugins", async () => {
    const { add, jobs, json, url } = await queue();
    const id = await add();
    const until = new Date("2040-01-02T03:04:05Z");
    const quota = plugin("quota", {
      explain: () => ({ code: "FULL", message: "acme has used its quota", blocking: true, until }),
    });
    const options = { config: config(url, quota) };
    const { stdout } = await jobs(["explain", id], options);
    expect(stdout).toContain(
      "- quota holds it back: acme has used its quota (until 2040-01-02 03:04:05Z)",
    );
    expect((await json(["explain", id], options)).value).toMatchObject({
      id,
      state: "ready",
      until: until.toISOString(),
      plugins: [{ plugin: "quota", code: "FULL", blocking: true }],
      job: { task: "anything" },
    });
  });

  it("exits with 3 when nothing is known of the job", async () => {
    expect(await (await queue()).json(["explain", "4711"])).toMatchObject({
      code: 3,
      value: { state: "gone", job: null },
    });
  });
});
