import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { overlayFor } from "../../src/overlay/apply.ts";
import { isInvalidOverlayError } from "../../src/overlay/errors.ts";
import { loadOverlay } from "../../src/overlay/load.ts";
import { overlayOf, testFolder } from "./overlay-file.ts";

function messageOfSync(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected it to throw");
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isInvalidOverlayError(error)).toBe(true);
  return (error as Error).message;
}

const CRON = "plugins:\n  cron:\n    enabled: false\n    interval: 10\n";

describe("loadOverlay", () => {
  it("is empty without a file and without variables", async () => {
    const overlay = await loadOverlay({ env: { PATH: "/bin", OPPULENCE_WORKER_CONFIG: "" } });
    expect(overlay).toMatchObject({ file: undefined, variables: [] });
    expect(overlayFor(overlay, "cron", { a: 1 })).toEqual({ enabled: true, options: { a: 1 } });
  });

  it("reads a YAML file", async () => {
    const overlay = await overlayOf(CRON);
    expect(overlayFor(overlay, "cron", {})).toEqual({ enabled: false, options: { interval: 10 } });
  });

  it("reads a JSON file, indented with tabs", async () => {
    const json = JSON.stringify(
      { plugins: { cron: { enabled: false, list: [1, { a: null }] } } },
      null,
      "\t",
    );
    const overlay = await overlayOf(json);
    expect(overlayFor(overlay, "cron", {})).toEqual({
      enabled: false,
      options: { list: [1, { a: null }] },
    });
    expect(overlay.origin(["plugins", "cron", "enabled"])).toBe("worker.yaml:4:4");
  });

  it("reads the file that OPPULENCE_WORKER_CONFIG names, unless another is given", async () => {
    const cwd = await testFolder();
    await writeFile(join(cwd, "env.yaml"), CRON);
    await writeFile(join(cwd, "option.yaml"), "plugins: {}");
    const env = { OPPULENCE_WORKER_CONFIG: "env.yaml" };
    expect(await loadOverlay({ env, cwd })).toMatchObject({ file: join(cwd, "env.yaml") });
    expect(await loadOverlay({ env, cwd, file: "option.yaml" })).toMatchObject({
      file: join(cwd, "option.yaml"),
    });
  });

  it.each(["", "# nothing\n", "plugins:\nworker:\n", "plugins:\n  cron:\n", "\uFEFFplugins: {}"])(
    "takes %j for an empty overlay",
    async (text) => {
      expect(overlayFor(await overlayOf(text), "cron", { a: 1 }).options).toEqual({ a: 1 });
    },
  );

  it("reads anchors", async () => {
    const overlay = await overlayOf("plugins:\n  a: &x { n: 1 }\n  b: *x\n");
    expect(overlayFor(overlay, "b", {}).options).toEqual({ n: 1 });
    expect(overlay.origin(["plugins", "b", "n"])).toBe("worker.yaml:2:11");
  });

  it("names a file that is not there, and what named it", async () => {
    expect(messageOfSync(() => loadOverlay({ file: "missing.yaml", env: {}, cwd: "/" }))).toMatch(
      /^config overlay: cannot read the file "missing.yaml": ENOENT/,
    );
    const env = { OPPULENCE_WORKER_CONFIG: "missing.yaml" };
    expect(messageOfSync(() => loadOverlay({ env, cwd: "/" }))).toContain(
      'the file "missing.yaml", named by OPPULENCE_WORKER_CONFIG: ENOENT',
    );
    expect(messageOfSync(() => loadOverlay({ file: "/", env: {} }))).toContain("EISDIR");
  });

  it.each<[string, string, string | RegExp]>([
    ["a syntax error", "plugins:\n  cron: [1, 2\n", /\(from worker\.yaml:\d+:\d+\)/],
    ["a repeated key", "plugins:\n  cron: {}\n  cron: {}\n", /unique.*\(from worker\.yaml:3:3\)/],
    ["two documents", "plugins: {}\n---\nworker: {}\n", /multiple documents.*\(from worker\.yaml:/],
    ["an unknown tag", "plugins:\n  cron: !!js/function x\n", /tag.*\(from worker\.yaml:2:9\)/],
    [
      "an anchor that is not there",
      "plugins: *x\n",
      "the alias *x has no anchor before it (from worker.yaml:1:10)",
    ],
    [
      "a list",
      "- plugins\n",
      'expected an object with the keys "plugins" and "worker", got ["plugins"]',
    ],
    ["a text", "plugins", 'got "plugins" (from worker.yaml)'],
    [
      "a misspelt section",
      "plugin:\n  cron: {}\n",
      'plugin: unknown section "plugin", did you mean "plugins"? (from worker.yaml:1:1)',
    ],
    [
      "an unknown section",
      "bananas: 1\n",
      'unknown section "bananas"; it is "plugins" or "worker"',
    ],
    [
      "a section that is no object",
      "plugins: [cron]\n",
      'plugins: expected an object, got ["cron"] (from worker.yaml:1:1)',
    ],
    [
      "a plugin that is no object",
      "plugins:\n  cron: false\n",
      "plugins.cron: expected an object, got false (from worker.yaml:2:3)",
    ],
    [
      "enabled that is neither true nor false",
      'plugins:\n  cron:\n    enabled: "no"\n',
      'plugins.cron.enabled: expected true or false, got "no" (from worker.yaml:3:5)',
    ],
    [
      "__proto__",
      "plugins:\n  cron:\n    __proto__: { admin: true }\n",
      'plugins.cron.__proto__: the key "__proto__" is not allowed (from worker.yaml:3:5)',
    ],
    [
      "constructor, deep in a list",
      '{"plugins": {"cron": {"list": [{"constructor": {"prototype": {}}}]}}}',
      'plugins.cron.list[0].constructor: the key "constructor" is not allowed (from worker.yaml:1:33)',
    ],
    [
      "an anchor that contains itself",
      "plugins: &a\n  x: *a\n  y: *a\n",
      "plugins.x: contains itself (from worker.yaml:2:3)",
    ],
    [
      "nesting without end",
      `plugins: ${"{a: ".repeat(100)}1${"}".repeat(100)}`,
      "plugins: is nested deeper than 64 levels (from worker.yaml:1:1)",
    ],
    ["a list as a key", "plugins:\n  ? [a]\n  : 1\n", "(from worker.yaml:2:5)"],
    ["brackets without end", `plugins: ${"[".repeat(100_000)}`, "config overlay: "],
  ])("refuses %s, with its place", async (_, text, message) => {
    expect(await messageOf(overlayOf(text))).toMatch(message);
  });

  it("refuses anchors that grow into gigabytes", async () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const inner =
        level === 0 ? "x" : Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ");
      return `  p${level}: { list: &a${level} [${inner}] }`;
    });
    expect(await messageOf(overlayOf(`plugins:\n${levels.join("\n")}\n`))).toMatch(/alias/i);
  });

  it("lists every problem", async () => {
    const env = { OPPULENCE_WORKER__BANANAS: "1", OPPULENCE_WORKER__PLUGINS__CRON__ENABLED: "off" };
    expect(await messageOf(overlayOf("", env))).toBe(
      [
        "config overlay: 2 problems",
        '  - BANANAS: unknown section "BANANAS"; it is "plugins" or "worker" (from OPPULENCE_WORKER__BANANAS)',
        '  - PLUGINS.CRON.ENABLED: expected true or false, got "off" (from OPPULENCE_WORKER__PLUGINS__CRON__ENABLED)',
      ].join("\n"),
    );
  });
});

describe("variables", () => {
  const valueIn = async (text: string) => {
    const overlay = await loadOverlay({ env: { OPPULENCE_WORKER__PLUGINS__CRON__X: text } });
    return (overlayFor(overlay, "cron", { x: "before" }).options as { x?: unknown }).x;
  };

  it.each<[string, unknown]>([
    ["10", 10],
    ["-1.5e3", -1500],
    ["true", true],
    ["False", false],
    ["no", "no"],
    ['"10"', "10"],
    ["'a''b'", "a'b"],
    ['""', ""],
    ["[1, two, {a: 3}]", [1, "two", { a: 3 }]],
    ["{a: {b: 1}}", { a: { b: 1 } }],
    ["*/5 * * * *", "*/5 * * * *"],
    ["@daily", "@daily"],
    ["a: b #c", "a: b #c"],
    ["-", "-"],
    ["---", "---"],
    ["p@ss|word>%", "p@ss|word>%"],
    ["https://example.com/x?y=1#z", "https://example.com/x?y=1#z"],
    ["  some text\n", "some text"],
    ['" text "', " text "],
    ["", "before"],
    ["   ", "before"],
    ["null", undefined],
    ["~", undefined],
  ])("reads %j", async (text, value) => {
    expect(await valueIn(text)).toEqual(value);
  });

  it.each<[string, string, string]>([
    ["OPPULENCE_WORKER__PLUGINS__CRON__X", "[1, 2", 'got "[1, 2": '],
    ["OPPULENCE_WORKER__PLUGINS__CRON__X", "{a: 1, a: 2}", "unique"],
    ["OPPULENCE_WORKER__PLUGINS__CRON__X", "[&a x, *a]", "aliases are not allowed"],
    [
      "OPPULENCE_WORKER__PLUGINS__CRON__X",
      "{__proto__: {a: 1}}",
      'the key "__proto__" is not allowed',
    ],
    ["OPPULENCE_WORKER__PLUGINS__CRON__CONSTRUCTOR", "1", 'the key "CONSTRUCTOR" is not allowed'],
    ["OPPULENCE_WORKER__PLUGINS____X", "1", 'a segment of the path is ""'],
    ["OPPULENCE_WORKER__PLUGINS__", "1", 'a segment of the path is ""'],
    ["OPPULENCE_WORKER__PLUGIN__CRON", "{}", 'unknown section "PLUGIN", did you mean "plugins"?'],
    ["OPPULENCE_WORKER__PLUGINS", "[cron]", 'expected an object, got ["cron"]'],
    ["OPPULENCE_WORKER__PLUGINS__CRON", "false", "expected an object, got false"],
    ["OPPULENCE_WORKER__PLUGINS__CRON__ENABLED", "[]", "expected true or false, got []"],
    ["OPPULENCE_WORKER__WORKER", "1", "expected an object, got 1"],
  ])("refuses %s=%s by name", async (variable, value, message) => {
    const text = messageOfSync(() => loadOverlay({ env: { [variable]: value } }));
    expect(text).toContain(message);
    expect(text).toContain(`(from ${variable})`);
  });

  it("does not print the value of one that sounds secret", async () => {
    const env = { OPPULENCE_WORKER__PLUGINS__WEBHOOKS__SECRET: "[s3cr3t" };
    expect(messageOfSync(() => loadOverlay({ env }))).toContain("got (string, hidden)");
  });
});
