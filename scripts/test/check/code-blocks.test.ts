import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/code-blocks.ts";
import { packages, README, tree } from "../tree.ts";

const folder = "packages/worker-dlq";
const page = (code: string, info = "ts"): string => `# Page\n\n\`\`\`${info}\n${code}\n\`\`\`\n`;
const repo = (changes: Record<string, string>) => tree(packages(["worker-dlq"], changes));

describe("code-blocks", () => {
  it("passes blocks that compile, against the package's own name too", async () => {
    const code = `import { answer } from "@oppulence/worker-dlq";\n\nexport const next: number = answer + 1;`;
    const root = repo({
      [`${folder}/README.md`]: page(code),
      "docs/page.md": page("export const a: number = 1;"),
      "docs/other.md": page("select nothing", "sql"),
      // For the check `types` to report.
      [`${folder}/src/answer.ts`]: `export const answer: number = 42;\nexport const b: string = 1;\n`,
    });
    expect(await check.run(root)).toEqual([]);
    expect(readdirSync(join(root, folder))).not.toContain(".code-blocks");
  });

  it("reports each error at its line of the page", async () => {
    const root = repo({
      [`${folder}/type.md`]: page("const a = 1;\nexport const b: string = a;"),
      [`${folder}/old-name.md`]: page(`\nimport { question } from "@oppulence/worker-dlq";`),
      [`${folder}/no-name.md`]: page("start();"),
      [`${folder}/second.md`]: page("export const a = 1;") + page("start();"),
      "docs/page.md": page("start();"),
    });
    expect(
      (await check.run(root)).map(({ file, line, message }) => `${file}:${line}: ${message}`),
    ).toEqual([
      expect.stringMatching(/^docs\/page.md:4: TS\d+: .*start/),
      expect.stringMatching(/no-name.md:4: TS\d+: .*start/),
      expect.stringMatching(/old-name.md:5: TS\d+: .*question/),
      expect.stringMatching(/second.md:9: TS\d+: .*start/),
      expect.stringMatching(/type.md:5: TS\d+: .*number/),
    ]);
  });

  it("reports a block that is no TypeScript at all", async () => {
    const problems = await check.run(repo({ "docs/page.md": page("export const a = { … };") }));
    expect(problems[0]).toMatchObject({ file: "docs/page.md", line: 4 });
  });

  it.each(["", "typescript", "js", "ts ignore", "tsx"])(
    "reports a block of language `%s`",
    async (info) => {
      const file = `${folder}/README.md`;
      const text = README("worker-dlq").replace("```ts", `\`\`\`${info}`);
      const problems = await check.run(repo({ [file]: text }));
      expect(problems).toMatchObject([
        { file, line: 9, message: expect.stringContaining("write ```ts") },
      ]);
    },
  );
});
