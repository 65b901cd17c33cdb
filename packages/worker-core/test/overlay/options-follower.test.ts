import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { definePlugin, type PluginHost } from "../../src/index.ts";
import { type LogEntry, testWorker } from "../support/worker.ts";
import { testFolder } from "./overlay-file.ts";

interface DemoOptions {
  readonly limit: number;
  readonly format: (n: number) => string;
}
const schema = z.strictObject({
  limit: z.int().min(1),
  // A function of its own each time: what was given to the schema has to tell that nothing changed.
  format: z.custom<DemoOptions["format"]>().transform((format) => (n: number) => format(n)),
});
const text = (limit: number | string) => `plugins:\n  demo:\n    limit: ${limit}\n`;

/** Each replaces the content of `worker.yaml` in a folder. */
const WAYS: Readonly<Record<string, (folder: string, content: string) => Promise<unknown>>> = {
  "written in place": (folder, content) => writeFile(join(folder, "worker.yaml"), content),
  "renamed over it": async (folder, content) => {
    await writeFile(join(folder, "worker.yaml.tmp"), content);
    await rename(join(folder, "worker.yaml.tmp"), join(folder, "worker.yaml"));
  },
  "swapped as a ConfigMap is": swap,
};

let versions = 0;

/** As the kubelet does it: a new folder, then the symbolic link `..data` is renamed over the old one. */
async function swap(folder: string, content: string): Promise<void> {
  versions += 1;
  await mkdir(join(folder, `..version${versions}`));
  await writeFile(join(folder, `..version${versions}`, "worker.yaml"), content);
  await symlink(`..version${versions}`, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
}

interface Following {
  readonly folder: string;
  /** What the listener was called with, in order. */
  readonly told: DemoOptions[];
  readonly host: PluginHost<DemoOptions>;
  readonly logs: readonly LogEntry[];
  readonly stop: () => Promise<void>;
}

/** A worker with a plugin that listens. */
async function follow(
  listener: (options: DemoOptions) => void | Promise<void> = () => {},
  file: "plain" | "link" = "plain",
): Promise<Following> {
  const folder = await testFolder();
  if (file === "plain") await writeFile(join(folder, "worker.yaml"), text(1));
  else {
    await swap(folder, text(1));
    await symlink(join("..data", "worker.yaml"), join(folder, "worker.yaml"));
  }
  const told: DemoOptions[] = [];
  let host: PluginHost<DemoOptions> | undefined;
  const demo = definePlugin({
    name: "demo",
    producers: "not-covered",
    options: { limit: 7, format: String },
    optionsSchema: schema,
    setup(given) {
      host = given as PluginHost<DemoOptions>;
      return {
        start() {
          host?.onOptions((options) => {
            told.push(options);
            return listener(options);
          });
        },
      };
    },
  });
  const { worker, logs } = await testWorker({
    plugins: [demo],
    taskList: { none: () => {} },
    config: { file: join(folder, "worker.yaml"), env: {} },
  });
  await worker.start();
  return { folder, told, host: host as PluginHost<DemoOptions>, logs, stop: () => worker.stop() };
}

const errorsOf = ({ logs }: Following) =>
  logs.filter(({ level }) => level === "error").map(({ message }) => message);

describe("PluginHost.onOptions", () => {
  it.each(Object.keys(WAYS))("tells of a file that was %s, again and again", async (way) => {
    const isLink = way === "swapped as a ConfigMap is";
    const following = await follow(undefined, isLink ? "link" : "plain");
    const { folder, told, host } = following;
    expect(host.options.limit).toBe(1);
    for (const [index, limit] of [2, 3].entries()) {
      await WAYS[way]?.(folder, text(limit));
      await expect.poll(() => told.length, { timeout: 10_000 }).toBe(index + 1);
      expect(told[index]?.limit).toBe(limit);
      // What is set in code, and what the schema adds, are there as at start.
      expect(told[index]?.format(5)).toBe("5");
    }
    expect(errorsOf(following)).toEqual([]);
  });

  it("says nothing when the plugin's options stay what they were", async () => {
    const { folder, told } = await follow();
    await WAYS["renamed over it"]?.(
      folder,
      `# a comment\n${text(1)}worker:\n  pollInterval: 999\n`,
    );
    await WAYS["renamed over it"]?.(folder, text(2));
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
    expect(told[0]?.limit).toBe(2);
  });

  it.each([
    ["is half written", "plugins:\n  demo: {", "worker.yaml:2:10"],
    ["has a value that the schema refuses", text(0), "worker.yaml:3:5"],
    ["names a plugin that is not there", "plugins:\n  demmo: {}\n", 'did you mean "demo"?'],
  ])("says once that a file %s, and keeps to the options before", async (_, content, message) => {
    const following = await follow();
    const { folder, told } = following;
    await WAYS["renamed over it"]?.(folder, content);
    await expect.poll(() => errorsOf(following).length, { timeout: 10_000 }).toBe(1);
    expect(errorsOf(following)[0]).toContain("the options before stay");
    expect(errorsOf(following)[0]).toContain(message);
    // Back to what it was is no change; the next one is.
    await WAYS["renamed over it"]?.(folder, text(1));
    await WAYS["renamed over it"]?.(folder, text(4));
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
    expect(told[0]?.limit).toBe(4);
    expect(errorsOf(following)).toHaveLength(1);
  });

  it("says once what a listener throws, and tells it of the next change", async () => {
    const following = await follow(async ({ limit }) => {
      if (limit === 2) throw new Error("two will not do");
    });
    const { folder, told } = following;
    await WAYS["renamed over it"]?.(folder, text(2));
    await expect.poll(() => errorsOf(following).length, { timeout: 10_000 }).toBe(1);
    expect(errorsOf(following)[0]).toContain("two will not do");
    await WAYS["renamed over it"]?.(folder, text(3));
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(2);
    expect(errorsOf(following)).toHaveLength(1);
  });

  it("waits for a listener before it tells of the next change", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { folder, told } = await follow(() => promise);
    await WAYS["renamed over it"]?.(folder, text(2));
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
    await WAYS["renamed over it"]?.(folder, text(3));
    resolve();
    await expect.poll(() => told.map(({ limit }) => limit), { timeout: 10_000 }).toEqual([2, 3]);
  });

  it("ends with the worker, and with the function that it returned", async () => {
    const gone = await follow();
    const heard: number[] = [];
    const end = gone.host.onOptions(({ limit }) => void heard.push(limit));
    end();
    const other = await follow();
    await gone.stop();
    for (const { folder } of [gone, other]) await WAYS["renamed over it"]?.(folder, text(2));
    await expect.poll(() => other.told.length, { timeout: 10_000 }).toBe(1);
    expect(gone.told).toEqual([]);
    expect(heard).toEqual([]);
  });

  it("warns that a plugin is switched off from the next start on", async () => {
    const { folder, told, logs } = await follow();
    await WAYS["renamed over it"]?.(folder, `${text(1)}    enabled: false\n`);
    await expect
      .poll(() => logs.some(({ message }) => message.includes("from the next start on")), {
        timeout: 10_000,
      })
      .toBe(true);
    expect(told).toEqual([]);
  });
});
