import type { Check, Problem } from "../check.ts";
import { exec } from "../repo.ts";

interface Issue {
  readonly name: string;
  readonly line?: number;
}

/** What knip calls each kind of finding, and what to do about it. */
const ADVICE: Record<string, string> = {
  files: "nothing imports this file: delete it, or make it an entry in knip.jsonc",
  dependencies: "is a dependency that nothing imports: remove it",
  devDependencies: "is a devDependency that nothing imports: remove it",
  optionalPeerDependencies: "is an optional peer: import it behind a sub-path only",
  unlisted: "is imported but not listed in this package's package.json: add it",
  unresolved: "cannot be resolved: correct the import",
  binaries: "is run by a script but comes from no listed dependency: add it",
  exports: "is exported but nothing imports it: drop the export",
  types: "is an exported type that nothing imports: drop the export",
  duplicates: "is exported twice: keep one",
  catalog: "is in the catalog but no package uses it: remove it",
};

export const check: Check = {
  name: "knip",
  about: "no unused file, export or dependency, none unlisted (knip)",
  async run(root) {
    const { code, stdout, stderr } = await exec(
      root,
      "knip",
      "--no-progress",
      "--reporter",
      "json",
    );
    if (code === 0) return [];
    if (!stdout.startsWith("{")) {
      return [{ file: "knip.jsonc", message: `knip ended with code ${code}: ${stderr}${stdout}` }];
    }
    const { issues }: { issues: { file: string; [kind: string]: string | Issue[] }[] } =
      JSON.parse(stdout);
    return issues.flatMap(({ file, ...kinds }) =>
      Object.entries(kinds).flatMap(([kind, found]) =>
        (Array.isArray(found) ? found.flat() : []).map(
          ({ name, line }): Problem => ({
            file,
            line,
            message: `${name === file ? "" : `${name} `}${ADVICE[kind] ?? `(${kind})`}`,
          }),
        ),
      ),
    );
  },
};
