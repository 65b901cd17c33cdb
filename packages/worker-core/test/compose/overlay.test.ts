import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.ts";
import { problemsOf } from "../support/configuration.ts";
import { entry, gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });

async function overlayFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "oppulence-overlay-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "worker.yaml");
  await writeFile(file, text);
  return file;
}

describe("a plugin that the overlay switches off", () => {
  it("has no hooks, start or stop, and still its API, tasks and migrations", async () => {
    const log: string[] = [];
    const own = defineTask({ identifier: "own", run: () => void log.push("own task") });
    const file = await overlayFile("plugins:\n  cron:\n    enabled: false\n");
    const { worker, jobs } = await testWorker({
      config: { file, env: {} },
      tasks: [task],
      plugins: [
        plugin("cron", {
          api: { size: 1 },
          tasks: [own],
          start: () => void log.push("start"),
          stop: () => void log.push("stop"),
          beforeEnqueue: entry(() => void log.push("beforeEnqueue")),
          beforeRun: gate(() => void log.push("beforeRun")),
          afterRun: { run: () => void log.push("afterRun") },
          onFailure: { run: () => void log.push("onFailure") },
          health: () => ({ status: "down" }),
        }),
      ],
    });
    await worker.start();
    await worker.addJobs([
      { task: own, payload: {} },
      { task, payload: {} },
    ]);
    await until(async () => (await jobs()).length === 0, "both jobs are done");
    expect(worker.plugins.cron).toEqual({ size: 1 });
    expect(worker.composition.installed[0]).toMatchObject({ enabled: false });
    expect((await worker.health()).status).toBe("ok");
    await worker.stop();
    expect(log).toEqual(["own task"]);
  });
});

describe("a plugin's options in the overlay", () => {
  const cron = plugin("cron", ({ options }) => ({ api: options }), {
    options: { interval: 5, zone: "UTC" },
    optionsSchema: z.strictObject({ interval: z.number(), zone: z.string() }),
  });

  it("go over those in code, file first and variables last", async () => {
    const file = await overlayFile("plugins:\n  cron:\n    interval: 7\n    zone: Europe/Rome\n");
    const env = { OPPULENCE_WORKER__PLUGINS__CRON__INTERVAL: "9" };
    const { worker } = await testWorker({ config: { file, env }, tasks: [task], plugins: [cron] });
    expect(worker.plugins.cron).toEqual({ interval: 9, zone: "Europe/Rome" });
  });

  it("are checked by the plugin's schema, and problems name file and line or the variable", async () => {
    const file = await overlayFile("plugins:\n  cron:\n    inter: 7\n");
    const env = { OPPULENCE_WORKER__PLUGINS__CRON__ZONE: "5" };
    expect(problemsOf({ config: { file, env }, tasks: [task], plugins: [cron] })).toEqual([
      expect.stringMatching(
        /^plugin cron: zone: .*\(from OPPULENCE_WORKER__PLUGINS__CRON__ZONE\)$/,
      ),
      expect.stringMatching(
        /^plugin cron: unknown option "inter", did you mean "interval"\? \(from .*worker\.yaml:3:5\)$/,
      ),
    ]);
  });
});
