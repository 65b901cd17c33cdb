import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/format-lint.ts";
import { type Files, realFile, tree } from "../tree.ts";

const run = (files: Files) =>
  check.run(
    tree({ ".gitignore": "node_modules/\n", "biome.json": realFile("biome.json"), ...files }),
  );
const src = "packages/worker-dlq/src";

describe("format-lint", () => {
  it("passes a clean file", async () => {
    expect(await run({ [`${src}/a-file.ts`]: "export const a = 1;\n" })).toEqual([]);
  });

  it.each([
    ["format", "a.ts", "export const a   = 1\n"],
    ["organizeImports", "a.ts", `import { b, a } from "x";\n\nexport const c = a + b;\n`],
    ["useFilenamingConvention", "aFile.ts", "export const a = 1;\n"],
    ["noDefaultExport", "a.ts", "export default 1;\n"],
    ["noConsole", "a.ts", "console.log(1);\n"],
    ["noUnusedImports", "a.ts", `import { b } from "x";\n\nexport const a = 1;\n`],
    ["useImportExtensions", "a.ts", `export { b } from "./b";\n`],
    ["noFloatingPromises", "a.ts", "export const a = async () => {};\na();\n"],
    ["noExcessiveLinesPerFile", "a.ts", `export const a = [\n${"  1,\n".repeat(400)}];\n`],
  ])("reports %s", async (rule, name, text) => {
    const file = `${src}/${name}`;
    const problems = await run({ [file]: text, [`${src}/b.ts`]: "export const b = 1;\n" });
    expect(problems).toContainEqual(
      expect.objectContaining({ file, message: expect.stringContaining(rule) }),
    );
  });

  it("reports files that import one another in a circle", async () => {
    const problems = await run({
      [`${src}/a.ts`]: `import { b } from "./b.ts";\n\nexport const a = () => b;\n`,
      [`${src}/b.ts`]: `import { a } from "./a.ts";\n\nexport const b = () => a;\n`,
    });
    expect(problems.map(({ message }) => message).join()).toContain("noImportCycles");
  });

  it("reports a configuration that biome cannot read", async () => {
    const problems = await run({ "biome.json": `{ "linter": 1 }` });
    expect(problems.length).toBeGreaterThan(0);
  });
});
