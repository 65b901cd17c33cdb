import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import ts from "typescript";
import type { Check, Problem } from "../check.ts";
import { CORE } from "../packages.ts";
import {
  filesIn,
  type Manifest,
  packageFolders,
  read,
  readManifest,
  SCOPE,
  SOURCE_CONDITION,
} from "../repo.ts";

const REQUIRED_FILES = [
  "CHANGELOG.md",
  "LICENSE",
  "package.json",
  "tsconfig.json",
  "tsup.config.ts",
  "src/index.ts",
];
/** Names that say nothing about what is inside. */
const VAGUE_NAMES = new Set(["utils", "util", "helpers", "helper", "common", "misc", "shared"]);
/** Whoever installs a package brings these: two copies of them in one process would not meet. */
const ALWAYS_PEERS = ["graphile-worker", "pg", CORE];

const checkFiles = (root: string, folder: string): Problem[] => {
  const problems = REQUIRED_FILES.filter((file) => !existsSync(join(root, folder, file))).map(
    (file) => ({
      file: `${folder}/${file}`,
      message: "is missing: every package has one",
    }),
  );
  const files = filesIn(root, folder);
  if (!files.some((file) => /\/test\/.*\.test\.ts$/.test(file))) {
    problems.push({ file: `${folder}/test`, message: "has no *.test.ts: every package has tests" });
  }
  for (const file of files.filter((name) => /^(src|test)\//.test(name.slice(folder.length + 1)))) {
    const [stem = ""] = basename(file).split(".");
    if (VAGUE_NAMES.has(stem)) {
      problems.push({ file, message: `"${stem}" says nothing: name the file after what is in it` });
    }
  }
  return problems;
};

/** The entry only passes names on: `export { a } from "./b.ts"` and `export type { … }`. */
const checkEntry = (root: string, file: string): Problem[] => {
  if (!existsSync(join(root, file))) return [];
  const source = ts.createSourceFile(file, read(root, file), ts.ScriptTarget.Latest, true);
  return source.statements.flatMap((statement): Problem[] => {
    const isNamed =
      ts.isExportDeclaration(statement) &&
      statement.moduleSpecifier !== undefined &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause);
    const isDefault =
      isNamed && /\bas default\b|\bdefault\b/.test(statement.exportClause?.getText() ?? "");
    if (isNamed && !isDefault) return [];
    const line = source.getLineAndCharacterOfPosition(statement.getStart()).line + 1;
    const got = statement.getText().split("\n")[0]?.slice(0, 60);
    const right = `the entry holds named exports only: export { name } from "./file.ts"`;
    return [{ file, line, message: `\`${got}\`: ${right}` }];
  });
};

const checkSql = (root: string, folder: string, manifest: Manifest): Problem[] => {
  const files = filesIn(root, `${folder}/sql`);
  const problems: Problem[] = files.flatMap((file, index): Problem[] => {
    const [, number, name] = /^(\d{6})_([a-z0-9]+(?:_[a-z0-9]+)*)\.sql$/.exec(basename(file)) ?? [];
    const next = String(index + 1).padStart(6, "0");
    if (!name) return [{ file, message: `should be named like ${next}_create_things.sql` }];
    if (number !== next) {
      return [
        { file, message: `has number ${number}, the next one is ${next}: no gap and no double` },
      ];
    }
    return [];
  });
  const ships = manifest.files?.includes("sql") ?? false;
  if (files.length > 0 && !ships) {
    problems.push({
      file: `${folder}/package.json`,
      message: `"files" lacks "sql": migrations would not ship`,
    });
  }
  if (files.length === 0 && ships) {
    problems.push({
      file: `${folder}/package.json`,
      message: `"files" has "sql", but there is no ${folder}/sql`,
    });
  }
  return problems;
};

const withoutSource = (exports: Manifest["exports"]): unknown =>
  JSON.parse(JSON.stringify(exports ?? null), (key, value) =>
    key === SOURCE_CONDITION ? undefined : value,
  );

const checkManifest = (root: string, folder: string, manifest: Manifest): Problem[] => {
  const file = `${folder}/package.json`;
  const problems: Problem[] = [];
  const expect = (field: string, got: unknown, want: unknown): void => {
    if (isDeepStrictEqual(got, want)) return;
    const message = `"${field}" is ${JSON.stringify(got) ?? "missing"}, should be ${JSON.stringify(want)}`;
    problems.push({ file, message });
  };
  const { repository } = readManifest(root, ".") as { repository?: { type: string; url: string } };

  expect("name", manifest.name, `${SCOPE}${basename(folder)}`);
  expect("license", manifest.license, "MIT");
  expect("type", manifest.type, "module");
  expect("sideEffects", manifest.sideEffects, false);
  expect("engines", manifest.engines, { node: ">=22.18" });
  expect("repository", manifest.repository, { ...repository, directory: folder });
  expect("publishConfig.access", manifest.publishConfig?.access, "public");
  expect("publishConfig.exports", manifest.publishConfig?.exports, withoutSource(manifest.exports));
  for (const field of ["version", "description", "author", "homepage", "bugs"]) {
    if (!manifest[field]) problems.push({ file, message: `"${field}" is missing` });
  }
  for (const shipped of ["dist", "CHANGELOG.md"]) {
    if (!manifest.files?.includes(shipped))
      problems.push({ file, message: `"files" lacks "${shipped}"` });
  }
  const keywords = manifest.keywords as string[] | undefined;
  for (const keyword of ["graphile-worker", "oppulence-worker"]) {
    if (!keywords?.includes(keyword))
      problems.push({ file, message: `"keywords" lacks "${keyword}"` });
  }
  for (const path of Object.keys(manifest.exports ?? {})) {
    const source = (manifest.exports?.[path] as Record<string, string> | undefined)?.[
      SOURCE_CONDITION
    ];
    if (!source || !existsSync(join(root, folder, source))) {
      const message = `"exports" has "${path}" with the source ${source ?? "missing"}: name its file in src`;
      problems.push({ file, message });
    }
  }
  for (const peer of ALWAYS_PEERS.filter((name) => manifest.dependencies?.[name])) {
    problems.push({
      file,
      message: `"dependencies" has ${peer}: it belongs in "peerDependencies"`,
    });
  }
  return problems;
};

/** One range for each peer across the repo, or packages could not be installed together. */
const checkPeers = (root: string): Problem[] => {
  const seen = new Map<string, { range: string; folder: string }>();
  return packageFolders(root).flatMap((folder) =>
    Object.entries(readManifest(root, folder)?.peerDependencies ?? {}).flatMap(([name, range]) => {
      const first = seen.get(name) ?? { range, folder };
      seen.set(name, first);
      if (first.range === range) return [];
      const message = `peer ${name} is "${range}" here and "${first.range}" in ${first.folder}: make them one`;
      return [{ file: `${folder}/package.json`, message }];
    }),
  );
};

const sameText = (root: string, file: string, text: string, message: string): Problem[] =>
  existsSync(join(root, file)) && !read(root, file).startsWith(text) ? [{ file, message }] : [];

export const check: Check = {
  name: "shape",
  about: "every package has the same shape: files, entry, migrations, package.json",
  run(root) {
    const packages = packageFolders(root).flatMap((folder) => {
      const manifest = readManifest(root, folder) ?? {};
      return [
        ...checkFiles(root, folder),
        ...checkEntry(root, `${folder}/src/index.ts`),
        ...checkSql(root, folder, manifest),
        ...checkManifest(root, folder, manifest),
        ...sameText(
          root,
          `${folder}/LICENSE`,
          read(root, "LICENSE"),
          "differs from the LICENSE at the root",
        ),
        ...sameText(
          root,
          `${folder}/CHANGELOG.md`,
          `# ${manifest.name}\n`,
          `should begin with "# ${manifest.name}"`,
        ),
      ];
    });
    return [...packages, ...checkPeers(root)];
  },
};
