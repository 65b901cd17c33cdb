import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Packages of this repo resolve one another from source, in tests and in the processes they fork. */
const SOURCE = "@oppulence/source";
const GLOBAL_SETUP = "packages/worker-testing/src/vitest-global-setup.ts";
const conditions = [SOURCE, "module", "node", "development|production"];

const folders = ["packages", "examples"].flatMap((parent) =>
  readdirSync(parent).map((name) => `${parent}/${name}`),
);

/** One project for each folder that has tests, named after the folder. */
const projects = [...folders, "bench", "scripts"]
  .filter((folder) => existsSync(`${folder}/test`))
  .map((folder) => ({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: [SOURCE, "node"] } },
    test: {
      name: folder.split("/").at(-1) ?? folder,
      root: folder,
      include: ["test/**/*.test.ts"],
      pool: "forks" as const,
      execArgv: [`--conditions=${SOURCE}`],
      // The tests of the scripts start compilers and npm, which take long on a busy machine.
      testTimeout: folder === "scripts" ? 120_000 : 30_000,
      hookTimeout: 60_000,
    },
  }));

export default defineConfig({
  test: {
    // Starts one PostgreSQL for the whole run and provides its URL to every project.
    globalSetup: existsSync(GLOBAL_SETUP) ? [GLOBAL_SETUP] : [],
    maxWorkers: 2,
    projects,
  },
});
