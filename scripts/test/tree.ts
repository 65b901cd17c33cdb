import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Files by their path. `undefined` leaves out a file that a tree below would have. */
export type Files = Record<string, string | undefined>;

/** A file of the real repo, for trees that need the real configuration. */
export const realFile = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

/** Writes a tree that stands in for the repo; it is gone when the test is. */
export const tree = (files: Files): string => {
  const root = mkdtempSync(join(tmpdir(), "oppulence-tree-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [file, text] of Object.entries(files)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
};

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const repository = { type: "git", url: "git+https://example.org/repo.git" };
const path = { types: "./dist/index.d.ts", default: "./dist/index.js" };

/** The package.json of a package with nothing wrong in it. */
export const manifest = (name: string, changes: object = {}): string =>
  json({
    name: `@oppulence/${name}`,
    version: "0.1.0",
    description: `What ${name} is`,
    keywords: ["graphile-worker", "oppulence-worker"],
    license: "MIT",
    author: "Someone",
    homepage: "https://example.org",
    bugs: "https://example.org/issues",
    repository: { ...repository, directory: `packages/${name}` },
    type: "module",
    sideEffects: false,
    engines: { node: ">=22.18" },
    exports: { ".": { "@oppulence/source": "./src/index.ts", ...path } },
    files: ["dist", "CHANGELOG.md"],
    publishConfig: { access: "public", exports: { ".": path } },
    ...changes,
  });

export const README = (name: string): string => `# @oppulence/${name}

It does one thing.

## Install

## Usage

\`\`\`ts
export const answer = 42;
\`\`\`

## Limitations
`;

/** A repo of packages with nothing wrong in them: the tests seed one fault each. */
export const packages = (names: readonly string[], changes: Files = {}): Files => ({
  LICENSE: "MIT License\n",
  "package.json": json({ private: true, type: "module", repository }),
  "README.md": names
    .map((name) => `| [\`@oppulence/${name}\`](packages/${name}) | What ${name} is |\n`)
    .join(""),
  "tsconfig.base.json": json({
    compilerOptions: {
      target: "es2023",
      lib: ["es5"], // the smallest, for speed
      module: "nodenext",
      strict: true,
      types: [],
      noEmit: true,
      allowImportingTsExtensions: true,
      customConditions: ["@oppulence/source"],
    },
  }),
  "examples/quickstart/package.json": json({ private: true, type: "module" }),
  ...Object.assign(
    {},
    ...names.map((name) => ({
      [`packages/${name}/LICENSE`]: "MIT License\n",
      [`packages/${name}/CHANGELOG.md`]: `# @oppulence/${name}\n`,
      [`packages/${name}/README.md`]: README(name),
      [`packages/${name}/package.json`]: manifest(name),
      [`packages/${name}/tsconfig.json`]: json({
        extends: "../../tsconfig.base.json",
        include: ["src", "test", "*.ts"],
      }),
      [`packages/${name}/tsup.config.ts`]: "export {};\n",
      [`packages/${name}/src/index.ts`]: `export { answer } from "./answer.ts";\n`,
      [`packages/${name}/src/answer.ts`]: "export const answer: number = 42;\n",
      [`packages/${name}/test/answer.test.ts`]: "export {};\n",
      [`packages/${name}/dist/index.js`]: "export const answer = 42;\n",
      [`packages/${name}/dist/index.d.ts`]: "export declare const answer: number;\n",
    })),
  ),
  ...changes,
});
