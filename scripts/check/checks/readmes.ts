import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Check, Problem } from "../check.ts";
import { type Heading, parseMarkdown } from "../markdown.ts";
import { packageFolders, read, readManifest } from "../repo.ts";

/** The sections of a plugin's README, in this order. */
const SECTIONS = [
  "Install",
  "Usage",
  "Options",
  "Order with other plugins",
  "Jobs added by SQL",
  "Database objects",
  "Metrics and events",
  "Errors",
  "When Postgres is down",
  "Recipes",
  "Limitations",
];
/** What a package that is no plugin has at least; it may add sections of its own. */
const CORE_SECTIONS = ["Install", "Usage", "Limitations"];
const LONGEST_USAGE = 20;

/** `When Postgres (or Redis) is down`: which store a plugin stands on is the one word that varies. */
const sectionOf = ({ text }: Heading): string =>
  /^When (Postgres|Redis|Postgres or Redis) is down$/.test(text) ? "When Postgres is down" : text;

const checkReadme = (root: string, folder: string): Problem[] => {
  const file = `${folder}/README.md`;
  if (!existsSync(join(root, file)))
    return [{ file, message: "is missing: every package has one" }];
  const text = read(root, file);
  const { blocks, headings } = parseMarkdown(text);
  const problems: Problem[] = [];
  const report = (message: string, line?: number): void => {
    problems.push({ file, line, message });
  };

  const lines = text.split("\n");
  const title = `# ${readManifest(root, folder)?.name}`;
  if (lines[0] !== title) report(`begins with "${lines[0]}", should begin with "${title}"`, 1);
  const sentence = lines.slice(1).find((line) => line.trim() !== "") ?? "";
  if (!/^[^#`|>\-*].*\.$/.test(sentence)) {
    report("below the title stands one sentence that says what the package is", 2);
  }

  const isPlugin = existsSync(join(root, folder, "src/plugin.ts"));
  const sections = headings.filter(({ level }) => level === 2);
  const names = sections.map(sectionOf);
  for (const section of isPlugin ? SECTIONS : CORE_SECTIONS) {
    if (!names.includes(section)) report(`lacks the section "## ${section}"`);
  }
  const known = names.filter((name) => SECTIONS.includes(name));
  const ordered = [...known].sort((a, b) => SECTIONS.indexOf(a) - SECTIONS.indexOf(b));
  const wrong = known.findIndex((name, index) => name !== ordered[index]);
  if (wrong >= 0) {
    const at = sections.find((heading) => sectionOf(heading) === known[wrong])?.line;
    report(
      `"## ${known[wrong]}" stands where "## ${ordered[wrong]}" belongs: ${ordered.join(", ")}`,
      at,
    );
  }
  for (const heading of isPlugin ? sections : []) {
    if (SECTIONS.includes(sectionOf(heading))) continue;
    const right = `a plugin's README has ${SECTIONS.join(", ")}; make this a "###" of one of them`;
    report(`"## ${heading.text}" is no section of the set: ${right}`, heading.line);
  }

  const usage = sections.findIndex(({ text: name }) => name === "Usage");
  const from = sections[usage]?.line ?? Number.POSITIVE_INFINITY;
  const to = sections[usage + 1]?.line ?? Number.POSITIVE_INFINITY;
  const example = blocks.find(({ line, info }) => line > from && line < to && info === "ts");
  if (usage >= 0 && !example) report("Usage shows no ```ts block", from);
  const length = example?.code.split("\n").length ?? 0;
  if (length > LONGEST_USAGE) {
    report(`Usage's first example has ${length} lines, ${LONGEST_USAGE} are enough`, example?.line);
  }
  return problems;
};

/** The rows of the root README's table: `| [`name`](folder) | description |`. */
const checkTable = (root: string): Problem[] => {
  const file = "README.md";
  const rows = new Map(
    [
      ...read(root, file).matchAll(
        /^\| \[`(?<name>.+?)`\]\((?<folder>.+?)\) \| (?<text>.+?) \|$/gm,
      ),
    ].map(({ groups }) => [groups?.folder, { name: groups?.name, text: groups?.text }]),
  );
  return packageFolders(root).flatMap((folder): Problem[] => {
    const { name, description } = readManifest(root, folder) ?? {};
    const row = rows.get(folder);
    if (row?.name === name && row?.text === description) return [];
    const want = `| [\`${name}\`](${folder}) | ${description} |`;
    return [
      { file, message: `the table of packages ${row ? "differs from" : "lacks"} the row: ${want}` },
    ];
  });
};

export const check: Check = {
  name: "readmes",
  about: "package READMEs have the set sections in order; the root's table lists every package",
  run: (root) => [
    ...packageFolders(root).flatMap((folder) => checkReadme(root, folder)),
    ...checkTable(root),
  ],
};
