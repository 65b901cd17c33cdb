import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/published.ts";
import { type Files, manifest, packages, tree } from "../tree.ts";

const base = "packages/worker-dlq";
const run = async (changes: Files = {}) => check.run(tree(packages(["worker-dlq"], changes)));

describe("published", () => {
  it("passes a package that is packed right", async () => {
    expect(await run()).toEqual([]);
  });

  it("reports a package that was not built", async () => {
    const changes = {
      [`${base}/dist/index.js`]: undefined,
      [`${base}/dist/index.d.ts`]: undefined,
    };
    expect(await run(changes)).toMatchObject([
      { message: expect.stringContaining("npm run build") },
    ]);
  });

  it("reports a wrong tarball, what publint finds and types that are wrong", async () => {
    const { exports } = JSON.parse(manifest("worker-dlq"));
    exports["./redis"] = { types: "./dist/redis.d.ts", default: "./dist/redis.js" };
    const problems = await run({
      [`${base}/package.json`]: manifest("worker-dlq", {
        exports,
        files: ["dist", "src"],
        publishConfig: { access: "public" },
      }),
      [`${base}/dist/index.d.ts`]: `export * from "./missing";\n`,
    });
    const found = problems.map(({ message }) => message).join("\n");
    for (const message of [
      "its tarball lacks CHANGELOG.md",
      "its tarball has src/index.ts",
      "still has @oppulence/source",
      'publint: pkg.exports["./redis"].default is ./dist/redis.js but the file does not exist',
      "are the types wrong?",
    ]) {
      expect(found).toContain(message);
    }
  });
});
