import { posix } from "node:path";
import ts from "typescript";
import type { Check, Problem } from "../check.ts";
import { allowed, CORE } from "../packages.ts";
import { filesIn, isScript, lineAt, packageFolders, read, readManifest, SCOPE } from "../repo.ts";

/** How graphile-worker names its tables. Spelt so that this file does not hold the text itself. */
const PRIVATE = ["", "private", ""].join("_");
const MAY_NAME_PRIVATE_TABLES = [
  "packages/worker-core/src/engine/",
  "packages/worker-core/test/",
  "bench/",
];

const packageName = (specifier: string): string => specifier.split("/").slice(0, 2).join("/");

/** What a file imports, and on which line: types, dynamic imports and augmentations of modules too. */
const imports = (text: string): { specifier: string; line: number }[] =>
  ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, line: lineAt(text, pos) }));

const checkImports = (root: string, folder: string): Problem[] => {
  const manifest = readManifest(root, folder);
  const name = manifest?.name ?? folder;
  const may = allowed(name);

  const inSources = ["src", "test"].flatMap((part) =>
    filesIn(root, `${folder}/${part}`)
      .filter(isScript)
      .flatMap((file) =>
        imports(read(root, file)).flatMap(({ specifier, line }): Problem[] => {
          if (specifier.startsWith(".")) {
            const target = posix.join(posix.dirname(file), specifier);
            if (target.startsWith(`${folder}/`)) return [];
            const message = `imports ${target}, a file of another package: import the package by its name`;
            return [{ file, line, message }];
          }
          const known = part === "src" ? may.sources : may.tests;
          if (!specifier.startsWith(SCOPE) || known.has(packageName(specifier))) return [];
          const right =
            name === CORE
              ? "the core knows no other package"
              : "packages meet through worker-core alone (registry, events, labels)";
          return [{ file, line, message: `imports ${specifier}: ${right}` }];
        }),
      ),
  );

  const kinds = {
    dependencies: may.sources,
    peerDependencies: may.sources,
    devDependencies: may.tests,
  };
  const inManifest = Object.entries(kinds).flatMap(([kind, known]) =>
    Object.keys((manifest?.[kind] ?? {}) as object)
      .filter((dependency) => dependency.startsWith(SCOPE) && !known.has(dependency))
      .map((dependency) => ({
        file: `${folder}/package.json`,
        message: `${kind} has ${dependency}: of this repo it may have ${[...known].filter((other) => other !== name).join(", ") || "none"}`,
      })),
  );
  return [...inSources, ...inManifest];
};

export const check: Check = {
  name: "imports",
  about: "no package reaches into another feature; only the engine folder names private tables",
  run(root) {
    const privateTables = filesIn(root)
      .filter((file) => isScript(file) || /\.(sql|json|ya?ml)$/.test(file))
      .filter((file) => !MAY_NAME_PRIVATE_TABLES.some((folder) => file.startsWith(folder)))
      .flatMap((file) =>
        read(root, file)
          .split("\n")
          .flatMap((text, index): Problem[] =>
            text.includes(PRIVATE)
              ? [
                  {
                    file,
                    line: index + 1,
                    message: `names a ${PRIVATE} table: only ${MAY_NAME_PRIVATE_TABLES[0]} may; call the engine adapter`,
                  },
                ]
              : [],
          ),
      );
    return [
      ...packageFolders(root).flatMap((folder) => checkImports(root, folder)),
      ...privateTables,
    ];
  },
};
