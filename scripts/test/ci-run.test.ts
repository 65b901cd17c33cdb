import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { realFile, tree } from "./tree.ts";

/** Runs `.ci/run` in a tree with these steps. */
const run = (steps: string) => {
  const root = tree({ ".ci/run": realFile(".ci/run"), "scripts/ci-steps": steps });
  const { status, stdout } = spawnSync("bash", [".ci/run"], {
    cwd: root,
    encoding: "utf8",
    input: "",
  });
  return { status, last: stdout.trimEnd().split("\n").at(-1), stdout };
};

describe(".ci/run", () => {
  it("adds up the steps: their own counts, or one each", () => {
    const result = run("# a comment\necho '3 passed, 0 failed'\n\ntest \"$CI\" = true");
    expect(result).toMatchObject({ status: 0, last: "4 passed, 0 failed" });
  });

  it("fails when a step fails, after the others have run", () => {
    expect(run("exit 3\necho '2 passed, 0 failed'\n")).toMatchObject({
      status: 1,
      last: "2 passed, 1 failed",
      stdout: expect.stringContaining("=== exit 3: FAILED (exit code 3)"),
    });
  });

  it("ends with what each failed step printed last", () => {
    const { stdout } = run("echo why >&2; exit 3\necho fine\n");
    expect(stdout.trimEnd().split("\n").slice(-3)).toEqual([
      "=== the end of: echo why >&2; exit 3",
      "why",
      "1 passed, 1 failed",
    ]);
  });

  it("fails when a step counts failures, or ends with a code in spite of its count", () => {
    expect(run("echo '1 passed, 2 failed'")).toMatchObject({
      status: 1,
      last: "1 passed, 2 failed",
    });
    const result = run("echo '5 passed, 0 failed'; exit 1");
    expect(result).toMatchObject({ status: 1, last: "5 passed, 1 failed" });
  });

  it("fails when there is no step", () => {
    expect(run("# none\n")).toMatchObject({ status: 1, last: "0 passed, 1 failed" });
  });
});
