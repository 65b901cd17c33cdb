import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Problem } from "./check/check.ts";
import { parseMarkdown } from "./check/markdown.ts";
import { exec, type Manifest, read, readManifest, SCOPE } from "./check/repo.ts";
import { tsc } from "./check/tsc.ts";

const base = { target: "es2023", strict: true, skipDefaultLibCheck: true };
const COMPILERS = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** The packages of this repo that have to be there too, peers of peers included. */
const ownPeers = (
  manifests: ReadonlyMap<string, Manifest>,
  name: string,
  found = new Set<string>(),
): Set<string> => {
  for (const peer of Object.keys(manifests.get(name)?.peerDependencies ?? {})) {
    if (!peer.startsWith(SCOPE) || found.has(peer)) continue;
    found.add(peer);
    ownPeers(manifests, peer, found);
  }
  return found;
};

/** What the README's examples import beside the package itself, at the versions they are tested with. */
const importedByReadme = (root: string, folder: string, blocks: readonly string[]): string[] =>
  Object.keys(readManifest(root, folder)?.devDependencies ?? {})
    .filter((name) => !name.startsWith(SCOPE) && !name.startsWith("@types/"))
    .filter((name) => blocks.some((code) => code.includes(`from "${name}"`)))
    .map((name) => `${name}@${readManifest(root, `${folder}/node_modules/${name}`)?.version}`);

/**
 * Uses one package as its users do: packed, installed with npm into an empty project, imported by Node,
 * its types and its README's examples compiled under both ways of resolving modules.
 *
 * The first import happens before any optional peer is there.
 *
 * @param tarballs - every package of the repo, packed, by name.
 */
export const useAsConsumer = async (
  root: string,
  folder: string,
  tarballs: ReadonlyMap<string, string>,
  manifests: ReadonlyMap<string, Manifest>,
): Promise<Problem[]> => {
  const manifest = readManifest(root, folder) ?? {};
  const name = manifest.name ?? folder;
  const project = mkdtempSync(join(tmpdir(), "oppulence-consumer-"));
  const failed = (
    what: string,
    { code, stdout, stderr }: Awaited<ReturnType<typeof exec>>,
  ): Problem[] =>
    code === 0
      ? []
      : [
          {
            file: folder,
            message: `in an empty project, ${what} ended with code ${code}: ${stderr}${stdout}`,
          },
        ];
  const install = async (...packages: string[]): Promise<Problem[]> =>
    failed(
      "npm install",
      await exec(
        project,
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        ...packages,
      ),
    );
  const importAll = async (paths: readonly string[]): Promise<Problem[]> => {
    const code = paths
      .map(
        (path) =>
          `if (Object.keys(await import("${path}")).length === 0) throw new Error("${path} exports nothing");`,
      )
      .join("\n");
    return failed("the import", await exec(project, "node", "--input-type=module", "--eval", code));
  };

  try {
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const own = [name, ...ownPeers(manifests, name)].map((each) => tarballs.get(each) ?? each);
    const installed = await install(...own);
    if (installed.length > 0) return installed;

    const problems = await importAll([name]);
    for (const bin of Object.keys(manifest.bin ?? {})) {
      const ran = await exec(project, join(project, "node_modules/.bin", bin), "--help");
      problems.push(...failed(`${bin} --help`, ran));
    }

    const readme = join(folder, "README.md");
    const text = existsSync(join(root, readme)) ? read(root, readme) : "";
    const blocks = parseMarkdown(text).blocks.filter(({ info }) => info === "ts");
    const optional = Object.entries(manifest.peerDependenciesMeta ?? {})
      .filter(([, meta]) => meta.optional)
      .map(([peer]) => `${peer}@${manifest.peerDependencies?.[peer]}`);
    const extras = importedByReadme(
      root,
      folder,
      blocks.map(({ code }) => code),
    );
    const later = [...optional, ...extras];
    if (later.length > 0) problems.push(...(await install(...later)));

    const paths = Object.keys(manifest.exports ?? {}).map((path) => join(name, path));
    // A path named `…-child` is a program that other code forks: it has to be there, not to be imported.
    const programs = paths.filter((path) => path.endsWith("-child"));
    problems.push(...(await importAll(paths.filter((path) => !programs.includes(path)))));
    for (const program of programs) {
      const code = `require("node:fs").accessSync(require.resolve("${program}"))`;
      problems.push(...failed(program, await exec(project, "node", "--eval", code)));
    }

    const imports = paths.map((path, index) => `export * as path${index} from "${path}";\n`);
    writeFileSync(join(project, "every-path.ts"), imports.join(""));
    for (const { line, code } of blocks) {
      writeFileSync(join(project, `readme-${line}.ts`), `export {};\n${code}\n`);
    }
    for (const [compiler, options] of Object.entries(COMPILERS)) {
      const config = `tsconfig.${compiler}.json`;
      const compilerOptions = { ...base, ...options };
      writeFileSync(join(project, config), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
      const { problems: found } = await tsc(project, config);
      // Declarations are checked too, or a type that does not resolve would be `any` without a word;
      // those of other people's packages are not ours to judge.
      const ours = found.filter(
        ({ file }) => !file.includes("node_modules/") || file.includes(`node_modules/${SCOPE}`),
      );
      problems.push(
        ...ours.map(({ file, line, message }) => ({
          file: folder,
          message: `types in an empty project (${compiler}): ${file}:${line}: ${message}`,
        })),
      );
    }
    return problems;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
};
