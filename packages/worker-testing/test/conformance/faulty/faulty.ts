import type { AnyPlugin } from "@oppulence/worker-core";
import type { ConformanceFixtures } from "../../../src/conformance.ts";

/** A module with a plugin that has one fault, and what the suite must say of it. */
export interface Faulty {
  readonly plugin: () => AnyPlugin;
  readonly fixtures?: ConformanceFixtures;
  /** The checks to run; the others take time and say nothing of the fault. */
  readonly only: RegExp;
  /** Each failing check's name must match one of these, and each of these must match one. */
  readonly expected: readonly { readonly check: RegExp; readonly message: RegExp }[];
}
