import { describe, expect, it } from "vitest";
import { bin, start } from "./command-line.ts";
import { migrated } from "./database.ts";
import { project } from "./project.ts";

const CONFIG = `
import { definePlugin, defineTask } from "@oppulence/worker-core";
const endless = definePlugin({
  name: "endless",
  producers: "not-covered",
  setup: () => ({
    commands: [{
      name: "count",
      description: "counts until nobody listens",
      run: async ({ io }) => {
        for (let n = 0; !io.signal.aborted; n++) {
          io.line(String(n).padStart(1000));
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    }, {
      name: "hang",
      description: "hangs",
      run: ({ io }) => {
        io.line("hanging");
        return new Promise(() => {});
      },
    }],
  }),
});
export default { tasks: [defineTask({ identifier: "anything", run: () => {} })], plugins: [endless] };
`;

/** Many jobs: far more output than a pipe holds. */
async function longQueue() {
  const { url, pool } = await migrated();
  await pool.query(
    "select graphile_worker.add_jobs(array(select ('anything', '{}', null, now(), 1, null, 0, null)::graphile_worker.job_spec from generate_series(1, 5000)))",
  );
  return { cwd: await project({ "worker.config.ts": CONFIG }), env: { DATABASE_URL: url } };
}

describe("output into a pipe", () => {
  it("is written to its end before the process exits", async () => {
    const { code, stdout, stderr } = await bin(
      ["jobs", "list", "--limit", "5000", "--json"],
      await longQueue(),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toHaveLength(5_000);
  });

  it("may lose its reader without an error", async () => {
    const child = start(["jobs", "list", "--limit", "5000"], await longQueue());
    child.process.stdout.once("data", () => child.process.stdout.destroy());
    expect(await child.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  it("ends an endless command when nobody reads any more", async () => {
    const child = start(["count"], await longQueue());
    child.process.stdout.once("data", () => child.process.stdout.destroy());
    expect(await child.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  it("is plain text, without colours and bars", async () => {
    const { stdout, stderr } = await bin(["jobs", "list", "--limit", "1"], await longQueue());
    expect(stdout + stderr).not.toContain("\u001b");
  });
});

describe("a signal", () => {
  it("lets a command that watches for it end by itself", async () => {
    const child = start(["count"], await longQueue());
    await child.waitFor("stdout", "0");
    child.process.kill("SIGINT");
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
  });

  it("ends any other command, which exits with 128 + its number", async () => {
    const child = start(["hang"], await longQueue());
    await child.waitFor("stdout", "hanging");
    child.process.kill("SIGTERM");
    expect(await child.ended).toMatchObject({
      code: 143,
      signal: null,
      stderr: "error: interrupted by SIGTERM\n",
    });
  });
});
