import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/types.ts";
import { type Files, json, packages, tree } from "../tree.ts";

const base = "packages/worker-dlq";
const run = async (changes: Files = {}) => check.run(tree(packages(["worker-dlq"], changes)));

describe("types", () => {
  it("passes a repo without type errors", async () => {
    expect(await run()).toEqual([]);
  });

  it("reports type errors in sources, tests, type tests and configuration, and files left out", async () => {
    const wrong = `\nexport const answer: number = "42";\n`;
    const problems = await run({
      [`${base}/src/answer.ts`]: wrong,
      [`${base}/test/answer.test.ts`]: wrong,
      [`${base}/test/types.test-d.ts`]: `\n// @ts-expect-error: not one\nexport const a: number = 1;\n`,
      [`${base}/tsup.config.ts`]: wrong,
      [`${base}/tools/build.ts`]: "export {};\n",
      "stray.ts": "export {};\n",
    });
    const found = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).sort();
    expect(found).toEqual([
      expect.stringMatching(/src\/answer.ts:2: TS2322/),
      expect.stringMatching(/test\/answer.test.ts:2: TS2322/),
      expect.stringMatching(/test\/types.test-d.ts:2: TS2578/),
      expect.stringMatching(/tools\/build.ts:undefined: no tsconfig.json covers/),
      expect.stringMatching(/tsup.config.ts:2: TS2322/),
      expect.stringMatching(/^stray.ts:undefined: no tsconfig.json covers/),
    ]);
  });

  it("reports a project that TypeScript cannot read", async () => {
    const problems = await run({ [`${base}/tsconfig.json`]: json({ extends: "../nothing.json" }) });
    expect(problems.length).toBeGreaterThan(0);
  });
});
