import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { defineConfig } from "vitest/config";

/** Packages of this repo resolve one another from source, in tests and in the processes they fork. */
const SOURCE = "@oppulence/source";
const GLOBAL_SETUP = "packages/worker-testing/src/vitest-global-setup.ts";
/** Waits in tests are patient by default. */
const SETUP = `${import.meta.dirname}/scripts/vitest-setup.ts`;
const conditions = [SOURCE, "module", "node", "development|production"];

const folders = ["packages", "examples"].flatMap((parent) =>
  readdirSync(parent).map((name) => `${parent}/${name}`),
);

interface ProjectOptions {
  readonly name?: string;
  readonly include?: string[];
  readonly env?: Record<string, string>;
  /** Modules to take in place of others. */
  readonly alias?: Record<string, string>;
}

const project = (folder: string, options: ProjectOptions = {}) => ({
  resolve: { conditions, alias: options.alias ?? {} },
  ssr: { resolve: { conditions, externalConditions: [SOURCE, "node"] } },
  test: {
    name: options.name ?? folder.split("/").at(-1) ?? folder,
    root: folder,
    include: options.include ?? ["test/**/*.test.ts"],
    env: options.env ?? {},
    pool: "forks" as const,
    execArgv: [`--conditions=${SOURCE}`],
    // The tests of the scripts start compilers and npm, which take long on a busy machine.
    testTimeout: folder === "scripts" ? 120_000 : 30_000,
    hookTimeout: 60_000,
    setupFiles: [SETUP],
    expect: { poll: { timeout: 10_000 } },
  },
});

/** One project for each folder that has tests, named after the folder. */
const projects = [...folders, "bench", "scripts"]
  .filter((folder) => existsSync(`${folder}/test`))
  .map((folder) => project(folder));

/** The core's suites that meet the engine, once more on the oldest graphile-worker that is supported. */
const core = "packages/worker-core";
const oldestEngine = project(core, {
  name: "worker-core-engine-0.17",
  include: ["test/{engine,worker,faults}/**/*.test.ts"],
  env: { OPPULENCE_TEST_ENGINE: "0.17" },
  alias: {
    "graphile-worker": createRequire(`${import.meta.dirname}/${core}/package.json`).resolve(
      "graphile-worker-017",
    ),
  },
});

export default defineConfig({
  test: {
    // Starts one PostgreSQL for the whole run and provides its URL to every project.
    globalSetup: existsSync(GLOBAL_SETUP) ? [GLOBAL_SETUP] : [],
    maxWorkers: 2,
    projects: [...projects, oldestEngine],
  },
});
