import type { AnyPlugin } from "@oppulence/worker-core";
import type { ConformanceFixtures } from "./fixtures.ts";

/** What `testPlugin` was called with. */
export interface CapturedSuite {
  readonly make: () => AnyPlugin;
  readonly fixtures: ConformanceFixtures;
}

/** Shared by copies of this package: the one that loads a test file and the one that the file imports. */
const SLOT = Symbol.for("@oppulence/worker-testing/conformance-capture");
const shared = globalThis as { [SLOT]?: CapturedSuite[] };

/** From here on, `testPlugin` registers nothing and only tells what it was called with. */
export function startCapture(): CapturedSuite[] {
  shared[SLOT] ??= [];
  return shared[SLOT];
}

/** Takes the suite when this process captures. */
export function capture(suite: CapturedSuite): boolean {
  shared[SLOT]?.push(suite);
  return shared[SLOT] !== undefined;
}
