import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Check, Problem } from "../check.ts";
import { filesIn, mapParallel, memberFolders } from "../repo.ts";
import { tsc } from "../tsc.ts";

export const check: Check = {
  name: "types",
  about:
    "sources, tests, type tests, examples, bench and scripts type-check, no file left out (tsc)",
  async run(root) {
    const projects = [...memberFolders(root), "scripts"].filter((folder) =>
      existsSync(join(root, folder, "tsconfig.json")),
    );
    const cache = "node_modules/.cache/oppulence-worker";
    const results = await mapParallel(projects, 2, (project) => {
      const buildInfo = join(root, cache, `${project.replaceAll("/", "-")}.tsbuildinfo`);
      return tsc(root, project, "--incremental", "--tsBuildInfoFile", buildInfo);
    });
    const covered = new Set(results.flatMap(({ files }) => files));
    const leftOut: Problem[] = filesIn(root)
      .filter((file) => /\.[cm]?tsx?$/.test(file) && !covered.has(file))
      .map((file) => ({
        file,
        message: "no tsconfig.json covers this file: `include` its folder in one",
      }));
    // A file that several projects reach is reported by each of them: say it once.
    const problems = new Map(
      [...results.flatMap((result) => result.problems), ...leftOut].map((problem) => [
        `${problem.file}:${problem.line}:${problem.message}`,
        problem,
      ]),
    );
    return [...problems.values()];
  },
};
