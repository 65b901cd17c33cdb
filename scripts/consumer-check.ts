// `npm run check:consumer [-- <folder>…]`: uses every package, packed, in an empty project of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Problem, printProblem } from "./check/check.ts";
import { build, pack } from "./check/pack.ts";
import { type Manifest, mapParallel, packageFolders, readManifest } from "./check/repo.ts";
import { useAsConsumer } from "./consumer.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const wanted = process.argv.slice(2);
const destination = mkdtempSync(join(tmpdir(), "oppulence-pack-"));

const report = (name: string, problems: readonly Problem[]): boolean => {
  console.error(`${name.padEnd(28)} ${problems.length === 0 ? "ok" : "FAILED"}`);
  for (const problem of problems) console.error(`  ${printProblem(problem)}`);
  return problems.length === 0;
};

try {
  const results: boolean[] = [];
  const built = await build(root);
  if (built.length > 0) results.push(report("build", built));
  else {
    const manifests = new Map<string, Manifest>();
    const tarballs = new Map<string, string>();
    for (const folder of packageFolders(root)) {
      const manifest = readManifest(root, folder) ?? {};
      const name = manifest.name ?? folder;
      const packed = await pack(root, folder, destination);
      if ("problem" in packed) results.push(report(folder, [packed.problem]));
      else tarballs.set(name, packed.tarball);
      manifests.set(name, manifest);
    }
    const folders = packageFolders(root).filter(
      (folder) => wanted.length === 0 || wanted.some((part) => folder.endsWith(part)),
    );
    if (folders.length === 0) console.error(`No package matches ${wanted.join(", ")}.`);
    results.push(
      ...(await mapParallel(folders, 2, async (folder) =>
        report(folder, await useAsConsumer(root, folder, tarballs, manifests)),
      )),
    );
  }
  const failed = results.filter((ok) => !ok).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || results.length === 0 ? 1 : 0;
} finally {
  rmSync(destination, { recursive: true, force: true });
}
