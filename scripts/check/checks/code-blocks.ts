import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Check, Problem } from "../check.ts";
import { parseMarkdown } from "../markdown.ts";
import { filesIn, isScript, memberFolders, read } from "../repo.ts";
import { tsc } from "../tsc.ts";

/** Examples have every package at hand, as a user would: pages outside of any package compile there. */
const HOME_OF_PAGES = "examples/quickstart";
const FOLDER = ".code-blocks";

/** Other words for the same languages: one spelling, so that no block escapes by another. */
const MUST_BE_TS = /^(typescript|mts|cts|tsx|jsx?|mjs|cjs|javascript|node)\b/i;

const packageOf = (members: readonly string[], file: string): string =>
  members.find((folder) => file.startsWith(`${folder}/`)) ?? HOME_OF_PAGES;

export const check: Check = {
  name: "code-blocks",
  about: "every ```ts block of the Markdown files type-checks where its package's imports resolve",
  async run(root) {
    const members = memberFolders(root);
    const problems: Problem[] = [];
    /** The page and line that each extracted file stands for. */
    const origins = new Map<string, { page: string; line: number }>();
    const folders = new Set<string>();
    try {
      for (const page of filesIn(root).filter((file) => file.endsWith(".md"))) {
        for (const { info, line, code } of parseMarkdown(read(root, page)).blocks) {
          if (info === "" || MUST_BE_TS.test(info) || /^ts\b./.test(info)) {
            const got = info === "" ? "a block without a language" : `\`\`\`${info}`;
            const message = `${got}: write \`\`\`ts alone, which is type-checked, or the language it is`;
            problems.push({ file: page, line, message });
          }
          if (info !== "ts") continue;
          const folder = join(packageOf(members, page), FOLDER);
          const file = join(folder, `${page.replaceAll(/[^\w]/g, "-")}-${line}.ts`);
          mkdirSync(join(root, folder), { recursive: true });
          // One line stands before the code, as the fence does: the lines of errors are the page's.
          writeFileSync(join(root, file), `export {};\n${code}\n`);
          folders.add(folder);
          origins.set(file, { page, line });
        }
      }
      for (const folder of folders) {
        const config = { extends: relative(folder, "tsconfig.base.json"), include: ["*.ts"] };
        writeFileSync(join(root, folder, "tsconfig.json"), JSON.stringify(config));
        for (const problem of (await tsc(root, folder)).problems) {
          const origin = origins.get(problem.file);
          // Sources that a block imports are the business of the check `types`.
          if (!origin && isScript(problem.file)) continue;
          problems.push(
            origin
              ? {
                  file: origin.page,
                  line: origin.line + (problem.line ?? 1) - 1,
                  message: problem.message,
                }
              : problem,
          );
        }
      }
    } finally {
      for (const folder of folders) rmSync(join(root, folder), { recursive: true, force: true });
    }
    return problems;
  },
};
