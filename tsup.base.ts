import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";

/**
 * The build of every published package: ESM and types for each path of its `exports` and for its `bin`,
 * dependencies left as imports.
 *
 * Types resolve the other packages from their built `dist` (turbo builds those first), so that one
 * package's sources never end up in another's declarations.
 */
export const library = (): ReturnType<typeof defineConfig> => {
  // tsup runs in the package's folder.
  const { exports, bin = {} } = JSON.parse(readFileSync("package.json", "utf8"));
  const paths = Object.values<Record<string, string>>(exports).flatMap(
    (path) => path["@oppulence/source"] ?? [],
  );
  const bins = Object.values<string>(bin).map((path) =>
    path.replace(/^\.\/dist\/(.*)\.js$/, "./src/$1.ts"),
  );
  return defineConfig({
    entry: [...paths, ...bins],
    format: "esm",
    target: "node22",
    platform: "node",
    sourcemap: true,
    clean: true,
    dts: { entry: paths, compilerOptions: { customConditions: [], noEmit: false } },
  });
};
