import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/knip.ts";
import { type Files, json, tree } from "../tree.ts";

const run = async (changes: Files) =>
  check.run(
    tree({
      "package.json": json({ name: "root", private: true, type: "module" }),
      "knip.jsonc": json({ entry: ["src/index.ts"], project: ["src/**/*.ts"] }),
      "src/index.ts": `import { a } from "./a.ts";\n\nconsole.log(a);\n`,
      "src/a.ts": "export const a = 1;\n",
      ...changes,
    }),
  );

describe("knip", () => {
  it("passes a repo where everything is used", async () => {
    expect(await run({})).toEqual([]);
  });

  it("reports what nothing uses, what is not listed and what is not there", async () => {
    const problems = await run({
      "package.json": json({ name: "root", private: true, dependencies: { pg: "8" } }),
      "src/stray.ts": "export {};\n",
      "src/a.ts": `import "zod";\nimport "./b.ts";\n\nexport const a = 1;\nexport const b = 2;\nexport type C = 3;\n`,
    });
    const found = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).sort();
    expect(found).toEqual([
      expect.stringMatching(/^package.json:\d+: pg is a dependency that nothing imports/),
      expect.stringMatching(/^src\/a.ts:1: zod is imported but not listed/),
      expect.stringMatching(/^src\/a.ts:2: .\/b.ts cannot be resolved/),
      expect.stringMatching(/^src\/a.ts:5: b is exported/),
      expect.stringMatching(/^src\/a.ts:6: C is an exported type/),
      expect.stringMatching(/^src\/stray.ts:undefined: nothing imports this file/),
    ]);
  });

  it("reports a configuration that knip cannot read", async () => {
    expect(await run({ "knip.jsonc": `{ "entry": 1 }` })).toMatchObject([{ file: "knip.jsonc" }]);
  });
});
