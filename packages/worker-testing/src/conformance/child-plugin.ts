import { type AnyPlugin, defer } from "@oppulence/worker-core";
import type { WorkerModule } from "../faults/worker-module.ts";
import { type CapturedSuite, startCapture } from "./capture.ts";
import type { ConformanceFixtures } from "./fixtures.ts";
import { createNeighbour } from "./neighbour.ts";
import { createScript } from "./script.ts";
import { stubVitest } from "./vitest-stub.ts";

/** What happens to the job in a child that will be killed. */
export type ChildMode = "succeeds" | "fails" | "is deferred";

/** What a child of the suite is told. */
export interface ChildData {
  /** URL of the module, see `ConformanceFixtures.module`. */
  readonly module: string;
  readonly name: string;
  readonly variant: string | undefined;
  readonly mode: ChildMode;
  readonly worker: GraphileConfig.WorkerOptions;
}

/** The config of a worker with the plugin under test, in a child. */
export const childConfig: WorkerModule = async ({ data }) => {
  const { mode, worker, name, ...where } = data as ChildData;
  const { make, fixtures } = await loadSuite(where.module, name, where.variant);
  const script = createScript(fixtures);
  if (mode === "fails") {
    script.act = async () => {
      throw new Error("the conformance suite fails this job");
    };
  }
  const later = createNeighbour("after", name, []);
  later.stop = () =>
    defer({ after: "1h" }, { code: "CONFORMANCE", message: "not in this process" });
  return {
    tasks: [...script.tasks, ...(fixtures.tasks ?? [])],
    plugins: [
      ...(fixtures.with?.() ?? []),
      make(),
      ...(mode === "is deferred" ? [later.plugin] : []),
    ],
    worker,
    migrations: "off",
  };
};

/** A module that exports the plugin, or one that calls `testPlugin` as a test file does. */
async function loadSuite(
  module: string,
  name: string,
  variant: string | undefined,
): Promise<CapturedSuite> {
  stubVitest();
  const captured = startCapture();
  const loaded = (await import(module)) as {
    readonly plugin?: () => AnyPlugin;
    readonly fixtures?: ConformanceFixtures;
  };
  if (typeof loaded.plugin === "function") {
    return { make: loaded.plugin, fixtures: loaded.fixtures ?? {} };
  }
  const suite = captured.find(
    ({ make, fixtures }) => fixtures.variant === variant && make().name === name,
  );
  if (suite !== undefined) return suite;
  throw new Error(
    `${module} neither exports \`plugin\` nor calls testPlugin with a plugin named ${name} at its top level`,
  );
}
