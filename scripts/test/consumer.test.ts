import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { pack } from "../check/pack.ts";
import { readManifest } from "../check/repo.ts";
import { useAsConsumer } from "../consumer.ts";
import { type Files, manifest, packages, README, tree } from "./tree.ts";

const folder = "packages/worker-dlq";
const name = "@oppulence/worker-dlq";

const run = async (changes: Files) => {
  const root = tree(packages(["worker-dlq"], changes));
  const destination = mkdtempSync(join(tmpdir(), "oppulence-pack-"));
  onTestFinished(() => rmSync(destination, { recursive: true }));
  const packed = await pack(root, folder, destination);
  if ("problem" in packed) throw new Error(packed.problem.message);
  const manifests = new Map([[name, readManifest(root, folder) ?? {}]]);
  return useAsConsumer(root, folder, new Map([[name, packed.tarball]]), manifests);
};

describe("useAsConsumer", () => {
  it("passes a package that works in an empty project", async () => {
    const code = `import { answer } from "${name}";\n\nexport const next: number = answer + 1;`;
    const text = README("worker-dlq").replace("export const answer = 42;", code);
    expect(await run({ [`${folder}/README.md`]: text })).toEqual([]);
  });

  it("reports whatever fails there: import, program, types, README", async () => {
    const example = `import { question } from "${name}";\n\nquestion();`;
    const exports = {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./job-child": { types: "./dist/index.d.ts", default: "./dist/job-child.js" },
    };
    const problems = await run({
      [`${folder}/package.json`]: manifest("worker-dlq", {
        bin: { dlq: "./dist/bin.js" },
        exports,
        publishConfig: { access: "public" },
      }),
      [`${folder}/dist/index.js`]: `export { answer } from "not-a-dependency";\n`,
      [`${folder}/dist/bin.js`]: `#!/usr/bin/env node\nprocess.exit(3);\n`,
      [`${folder}/dist/index.d.ts`]: `export type { Answer } from "not-a-dependency";\n`,
      [`${folder}/README.md`]: README("worker-dlq").replace("export const answer = 42;", example),
    });
    const found = problems.map(({ message }) => message).join("\n");
    for (const message of [
      "the import ended with code 1",
      "dlq --help ended with code 3",
      "worker-dlq/job-child ended with code 1",
      "types in an empty project (nodenext)",
      "types in an empty project (bundler)",
      "'question'",
    ]) {
      expect(found).toContain(message);
    }
  });
});
