import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/imports.ts";
import { manifest, packages, tree } from "../tree.ts";

const names = ["worker-core", "worker-dlq", "worker-cron", "worker-testing"];
const run = (changes: Record<string, string>) => check.run(tree(packages(names, changes)));
/** Spelt in parts, since the check reads this file too. */
const table = ["graphile_worker.", "private", "jobs"].join("_");

describe("imports", () => {
  it("passes packages that know the core alone", async () => {
    const changes = {
      "packages/worker-dlq/src/answer.ts": `import "@oppulence/worker-core";\nimport "./b.ts";\n`,
      "packages/worker-dlq/test/answer.test.ts": `import "@oppulence/worker-testing";\nimport "../src/a.ts";\n`,
      "packages/worker-core/test/a.test.ts": `import "@oppulence/worker-testing";\n`,
      "packages/worker-core/src/engine/jobs.ts": `export const sql = "select from ${table}";\n`,
      "packages/worker-core/test/engine/jobs.test.ts": `export const sql = "${table}";\n`,
      "bench/src/main.ts": `export const sql = "${table}";\n`,
    };
    expect(await run(changes)).toEqual([]);
  });

  it.each([
    ["a feature", `\nimport { x } from "@oppulence/worker-cron";\n`],
    ["a feature's types", `\nimport type { X } from "@oppulence/worker-cron";\n`],
    ["a feature's sub-path", `\nexport { x } from "@oppulence/worker-cron/redis";\n`],
    ["a feature, lazily", `\nexport const x = () => import("@oppulence/worker-cron");\n`],
    ["a feature's type, inline", `\nexport type X = import("@oppulence/worker-cron").X;\n`],
    ["an augmentation", `\ndeclare module "@oppulence/worker-cron" {}\nexport {};\n`],
    ["the test kit in sources", `\nimport "@oppulence/worker-testing";\n`],
    ["another package's file", `\nimport "../../worker-cron/src/index.ts";\n`],
  ])("reports a feature that imports %s", async (_, code) => {
    const file = "packages/worker-dlq/src/answer.ts";
    const problems = await run({ [file]: code });
    expect(problems).toEqual([{ file, line: 2, message: expect.stringContaining("imports ") }]);
  });

  it("reports a feature in another feature's tests", async () => {
    const file = "packages/worker-dlq/test/answer.test.ts";
    const problems = await run({ [file]: `import "@oppulence/worker-cron";\n` });
    expect(problems).toMatchObject([{ file, line: 1 }]);
  });

  it("reports a core that imports any other package", async () => {
    const file = "packages/worker-core/src/answer.ts";
    const problems = await run({ [file]: `import "@oppulence/worker-dlq";\n` });
    expect(problems).toMatchObject([
      { file, message: expect.stringContaining("the core knows no") },
    ]);
  });

  it.each(["dependencies", "peerDependencies", "devDependencies"])(
    "reports a feature among a feature's %s",
    async (kind) => {
      const file = "packages/worker-dlq/package.json";
      const changed = manifest("worker-dlq", { [kind]: { "@oppulence/worker-cron": "^0.1.0" } });
      expect(await run({ [file]: changed })).toMatchObject([{ file }]);
    },
  );

  it.each([
    "packages/worker-dlq/src/answer.ts",
    "packages/worker-dlq/sql/000001_create_things.sql",
    "packages/worker-core/src/client.ts",
    "packages/worker-dlq/test/client.test.ts",
    "examples/quickstart/src/main.ts",
  ])("reports a private table named in %s", async (file) => {
    const problems = await run({ [file]: `\n-- ${table}\n` });
    expect(problems).toMatchObject([{ file, line: 2, message: expect.stringContaining("engine") }]);
  });
});
