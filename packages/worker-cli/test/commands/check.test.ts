import { declareTask, defer, definePlugin, defineTask } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { bin, cli } from "../command-line.ts";
import { project } from "../project.ts";
import { config, email, plugin } from "../sample-config.ts";

const gate = (order: { before?: string[]; after?: string[] }) =>
  ({
    beforeRun: { phase: "gate", onError: "open", run: () => undefined, ...order },
  }) as const;

async function problems(options: object): Promise<readonly string[]> {
  const { code, stdout } = await cli(["check", "--json"], { config: options });
  const verdict = JSON.parse(stdout);
  expect(code).toBe(verdict.problems.length === 0 ? 0 : 1);
  expect(verdict.ok).toBe(verdict.problems.length === 0);
  return verdict.problems;
}

describe("check", () => {
  it("passes a good config without a database", async () => {
    const { code, stdout, stderr } = await cli(["check"], {
      config: config(undefined, plugin("quiet")),
    });
    expect(stderr).toBe("");
    expect(stdout).toBe("config: ok, 2 tasks, plugins: quiet\n");
    expect(code).toBe(0);
  });

  it("prints every problem, not only the first", async () => {
    const bad = {
      ...config(
        undefined,
        plugin("one", gate({ before: ["two"] })),
        plugin("two", gate({ before: ["one"] })),
      ),
      tasks: [
        email,
        email,
        defineTask({ identifier: "slow", run: () => {}, quietHours: 1 } as never),
      ],
      worked: {},
      crontab: "* * * * * nothing\n61 * * * * send_email",
    };
    const found = (await problems(bad)).join("\n");
    expect(found).toContain('unknown option "worked", did you mean "worker"?');
    expect(found).toContain('task "send_email" is defined twice');
    expect(found).toContain("@oppulence/worker-quiethours");
    expect(found).toContain("form a circle");
    expect(found).toContain("crontab, line 2");
  });

  it("names the tasks that a crontab gets wrong", async () => {
    const { tasks } = config(undefined);
    const found = await problems({ tasks, crontab: "* * * * * send_emial", config: false });
    expect(found).toEqual([
      'crontab, line 1: no task "send_emial" is defined, did you mean "send_email"?',
    ]);
  });

  it("refuses tasks that are only declared, and a worker without any", async () => {
    const declared = declareTask({ identifier: "elsewhere" });
    expect((await problems({ tasks: [declared], config: false })).join()).toContain(
      "only declared",
    );
    expect((await problems({ config: false })).join()).toContain("without tasks");
  });

  it("reads the overlay", async () => {
    const cwd = await project({ "overlay.yaml": "plugins:\n  quite:\n    enabled: false\n" });
    const found = await problems({
      ...config(undefined, plugin("quiet")),
      config: { file: `${cwd}/overlay.yaml` },
    });
    expect(found.join()).toMatch(
      /no plugin "quite" is installed, did you mean "quiet"\?.*overlay\.yaml:2/,
    );
  });

  it("asks the plugins, which need no database for it", async () => {
    const never = plugin("cron", { check: async () => ["schedule nightly never comes"] });
    expect((await problems(config(undefined, never))).join()).toContain(
      "schedule nightly never comes",
    );
  });

  it("checks the SQL files of plugins", async () => {
    const files = definePlugin({
      name: "files",
      producers: "not-covered",
      migrations: { directory: new URL("file:///nowhere/sql/") },
      setup: () => ({}),
    });
    expect((await problems(config(undefined, files))).join()).toContain("/nowhere/sql");
  });

  it("checks a task directory", async () => {
    const cwd = await project({ "tasks/send_email.js": "export default () => {};" });
    const folder = { worker: { taskDirectory: `${cwd}/tasks` }, config: false } as const;
    expect(await problems(folder)).toEqual([]);
    expect((await problems({ ...config(undefined), ...folder })).join()).toContain("defined twice");
    expect(
      (await problems({ worker: { taskDirectory: "/nowhere" }, config: false })).join(),
    ).toContain("/nowhere is not a folder");
  });

  it("finds commands of plugins that clash", async () => {
    const run = async () => {};
    const taken = plugin("taken", { commands: [{ name: "jobs list", description: "", run }] });
    expect(await problems(config(undefined, taken))).toEqual([
      'command "jobs list" of plugin taken: the built-in command "jobs list" has the same name',
    ]);
  });

  it("takes a config that cannot be loaded for a problem", async () => {
    const cwd = await project({
      "worker.config.ts": 'import "not-a-package-at-all";\nexport default {};',
    });
    const { code, stdout } = await bin(["check", "--json"], { cwd });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).problems).toEqual([
      "worker.config.ts needs the package not-a-package-at-all, which is not installed: npm install not-a-package-at-all",
    ]);
  });

  it("prints no password that a config's error holds", async () => {
    const cwd = await project({
      "worker.config.ts": 'throw new Error("cannot reach postgres://me:hunter22@db/app");',
    });
    for (const argv of [["check"], ["check", "--json"]]) {
      const { code, stdout } = await cli(argv, { cwd });
      expect(code).toBe(1);
      expect(stdout).toContain("postgres://me:***@db/app");
    }
  });

  it("exits with 2 where there is no config", async () => {
    const { code, stderr } = await cli(["check"], { cwd: await project({}) });
    expect(code).toBe(2);
    expect(stderr).toContain("no worker.config.ts");
  });

  it("lets a plugin decide nothing while it is checked", async () => {
    const eager = plugin("eager", {
      beforeRun: {
        phase: "gate",
        onError: "open",
        run: () => defer({ after: 1 }, { code: "X", message: "later" }),
      },
      start: () => Promise.reject(new Error("a check starts nothing")),
    });
    expect(await problems(config(undefined, eager))).toEqual([]);
  });
});
