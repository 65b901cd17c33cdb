import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import type { Check, Problem } from "../check.ts";
import { build, pack } from "../pack.ts";
import { exec, mapParallel, packageFolders, SOURCE_CONDITION } from "../repo.ts";

const MUST_SHIP = ["README.md", "CHANGELOG.md", "LICENSE", "package.json"];

/** What the tarball itself must hold, whatever the tools below think of it. */
const checkContents = async (folder: string, tarball: string): Promise<Problem[]> => {
  const problems: Problem[] = [];
  const listed = await exec(".", "tar", "-tzf", tarball);
  const files = listed.stdout
    .split("\n")
    .filter(Boolean)
    .map((path) => path.replace(/^package\//, ""));
  for (const file of MUST_SHIP.filter((name) => !files.includes(name))) {
    problems.push({ file: folder, message: `its tarball lacks ${file}` });
  }
  for (const file of files.filter((path) => /^(src|test)\/|\.tsbuildinfo$/.test(path))) {
    problems.push({
      file: folder,
      message: `its tarball has ${file}: list in "files" what users need`,
    });
  }
  const manifest = (await exec(".", "tar", "-xzOf", tarball, "package/package.json")).stdout;
  for (const trace of [SOURCE_CONDITION, '"workspace:', '"catalog:']) {
    if (manifest.includes(trace)) {
      problems.push({ file: folder, message: `its published package.json still has ${trace}` });
    }
  }
  return problems;
};

const checkPublint = async (folder: string, tarball: string): Promise<Problem[]> => {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: buffer } });
  return messages.map((message) => ({
    file: `${folder}/package.json`,
    message: `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  }));
};

const checkAttw = async (root: string, folder: string, tarball: string): Promise<Problem[]> => {
  const options = ["--profile", "esm-only", "--format", "ascii", "--no-emoji", "--no-color"];
  const { code, stdout, stderr } = await exec(root, "attw", tarball, ...options);
  return code === 0
    ? []
    : [{ file: folder, message: `are the types wrong? ${stdout}${stderr}`.trim() }];
};

export const check: Check = {
  name: "published",
  about: "what each tarball holds, its package.json and its types are right (publint, attw)",
  prepare: build,
  async run(root) {
    const destination = mkdtempSync(join(tmpdir(), "oppulence-pack-"));
    try {
      const perPackage = await mapParallel(packageFolders(root), 2, async (folder) => {
        const packed = await pack(root, folder, destination);
        if ("problem" in packed) return [packed.problem];
        const { tarball } = packed;
        return [
          ...(await checkContents(folder, tarball)),
          ...(await checkPublint(folder, tarball)),
          ...(await checkAttw(root, folder, tarball)),
        ];
      });
      return perPackage.flat();
    } finally {
      rmSync(destination, { recursive: true, force: true });
    }
  },
};
