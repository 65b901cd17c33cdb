import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/shape.ts";
import { type Files, manifest, packages, tree } from "../tree.ts";

const base = "packages/worker-dlq";
const run = (changes: Files = {}) =>
  check.run(tree(packages(["worker-core", "worker-dlq"], changes)));
const withManifest = (changes: object): Files => ({
  [`${base}/package.json`]: manifest("worker-dlq", changes),
});
const ships = { files: ["dist", "sql", "CHANGELOG.md"] };

describe("shape", () => {
  it("passes packages of the set shape", async () => {
    expect(await run()).toEqual([]);
    const changes = {
      ...withManifest(ships),
      [`${base}/sql/000001_create_things.sql`]: "select 1;\n",
    };
    expect(await run(changes)).toEqual([]);
  });

  it.each(["CHANGELOG.md", "LICENSE", "tsconfig.json", "tsup.config.ts", "src/index.ts"])(
    "reports a package without %s",
    async (name) => {
      const file = `${base}/${name}`;
      expect(await run({ [file]: undefined })).toContainEqual({
        file,
        message: "is missing: every package has one",
      });
    },
  );

  it("reports a package without tests", async () => {
    const problems = await run({ [`${base}/test/answer.test.ts`]: undefined });
    expect(problems).toMatchObject([{ file: `${base}/test` }]);
  });

  it.each(["src/utils.ts", "src/redis/helpers.ts", "test/common.ts"])(
    "reports the name %s",
    async (name) => {
      expect(await run({ [`${base}/${name}`]: "export {};\n" })).toMatchObject([
        { file: `${base}/${name}` },
      ]);
    },
  );

  it.each([
    `export * from "./answer.ts";`,
    "export const answer = 42;",
    `export { default as answer } from "./answer.ts";`,
    `export { answer as default } from "./answer.ts";`,
    `import "./answer.ts";`,
    "start();",
  ])("reports the entry `%s`", async (code) => {
    const file = `${base}/src/index.ts`;
    expect(await run({ [file]: `\n${code}\n` })).toMatchObject([{ file, line: 2 }]);
  });

  it.each([
    "sql/000002_create_things.sql",
    "sql/1_things.sql",
    "sql/000001_CreateThings.sql",
    "sql/notes.txt",
  ])("reports the migration %s", async (name) => {
    const changes = { ...withManifest(ships), [`${base}/${name}`]: "select 1;\n" };
    expect(await run(changes)).toMatchObject([{ file: `${base}/${name}` }]);
  });

  it("reports two migrations of one number", async () => {
    const changes = {
      ...withManifest(ships),
      [`${base}/sql/000001_create_things.sql`]: "",
      [`${base}/sql/000001_drop_things.sql`]: "",
    };
    expect(await run(changes)).toMatchObject([{ message: expect.stringContaining("000002") }]);
  });

  it("reports migrations that would not ship, and a shipped folder that is not there", async () => {
    const file = `${base}/package.json`;
    const unshipped = { [`${base}/sql/000001_create_things.sql`]: "select 1;\n" };
    expect(await run(unshipped)).toMatchObject([{ file, message: expect.stringContaining("sql") }]);
    expect(await run(withManifest(ships))).toMatchObject([
      { file, message: expect.stringContaining("sql") },
    ]);
  });

  it.each([
    ["name", { name: "@oppulence/dlq" }],
    ["license", { license: "ISC" }],
    ["type", { type: "commonjs" }],
    ["sideEffects", { sideEffects: undefined }],
    ["engines", { engines: { node: ">=20" } }],
    ["repository", { repository: { type: "git", url: "git+https://example.org/repo.git" } }],
    ["description", { description: "" }],
    ["keywords", { keywords: ["graphile-worker"] }],
    ["files", { files: ["dist"] }],
    ["exports", { publishConfig: { access: "public", exports: { ".": "./dist/index.js" } } }],
    [
      "access",
      {
        publishConfig: {
          ...JSON.parse(manifest("worker-dlq")).publishConfig,
          access: "restricted",
        },
      },
    ],
    ["pg", { dependencies: { pg: "^8.0.0" } }],
  ])("reports a wrong %s in package.json", async (word, changes) => {
    const problems = await run(withManifest(changes));
    expect(problems).toContainEqual({
      file: `${base}/package.json`,
      message: expect.stringContaining(word),
    });
  });

  it("reports an exported path without a source file", async () => {
    const { exports, publishConfig } = JSON.parse(manifest("worker-dlq"));
    exports["./redis"] = { "@oppulence/source": "./src/redis.ts", default: "./dist/redis.js" };
    publishConfig.exports["./redis"] = { default: "./dist/redis.js" };
    expect(await run(withManifest({ exports, publishConfig }))).toMatchObject([
      { message: expect.stringContaining("./src/redis.ts") },
    ]);
  });

  it("reports one peer with two ranges", async () => {
    const changes = {
      "packages/worker-core/package.json": manifest("worker-core", {
        peerDependencies: { pg: "^8.0.0" },
      }),
      ...withManifest({ peerDependencies: { pg: "^8.11.3" } }),
    };
    expect(await run(changes)).toMatchObject([
      { message: expect.stringContaining("make them one") },
    ]);
  });

  it("reports a licence or changelog that is not the package's", async () => {
    expect(await run({ [`${base}/LICENSE`]: "Mine\n" })).toMatchObject([
      { file: `${base}/LICENSE` },
    ]);
    const file = `${base}/CHANGELOG.md`;
    expect(await run({ [file]: "# @oppulence/worker-cron\n" })).toMatchObject([{ file }]);
  });
});
