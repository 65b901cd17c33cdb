import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/test-marks.ts";
import { tree } from "../tree.ts";

const file = "packages/worker-dlq/test/a.test.ts";
/** The words of the marks, apart, since the check reads this file too. */
const [skip, only, todo, fails] = ["skip", "only", "todo", "fails"];

describe("test-marks", () => {
  it("passes tests that run, and those that wait for a system program", async () => {
    const code = `it("a", () => {});\nit.skipIf(x)("b", () => {});\njob.${skip}();\nresult.${only};\n`;
    expect(await check.run(tree({ [file]: code }))).toEqual([]);
  });

  it.each([
    `it.${skip}("a", () => {});`,
    `it.${only}("a", () => {});`,
    `test.${todo}("a");`,
    `it.${fails}("a", () => {});`,
    `describe.${skip}("a", () => {});`,
    `describe.concurrent.${only}("a", () => {});`,
    `it.each([1]).${skip}("a", () => {});`,
    `x${"it"}("a", () => {});`,
    `f${"describe"}("a", () => {});`,
  ])("reports %s", async (code) => {
    const problems = await check.run(tree({ [file]: `\n${code}\n` }));
    expect(problems).toMatchObject([
      { file, line: 2, message: expect.stringContaining("leaves tests out") },
    ]);
  });
});
