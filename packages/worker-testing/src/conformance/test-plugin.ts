import type { AnyPlugin } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { capture } from "./capture.ts";
import type { ConformanceFixtures } from "./fixtures.ts";
import { planChecks } from "./run-conformance.ts";
import { createSubject } from "./subject.ts";

/** For a check on a busy machine: its own waits are shorter and say more. */
const TEST_TIMEOUT_MS = 90_000;

/**
 * Registers the conformance suite for a plugin: one vitest test for each thing that the contract asks of it
 * and that it has something to do with. Call it at the top level of a test file.
 *
 * The file is loaded a second time, outside of vitest, by the processes that are killed: what stands at its
 * top level runs there too, and `describe` and the like do nothing. See `fixtures.module`.
 *
 * @param make - makes a fresh plugin; called many times
 * @param fixtures - what the suite cannot know; everything has a default
 *
 * @example
 * ```ts
 * testPlugin(() => myPlugin());
 * ```
 */
export function testPlugin(make: () => AnyPlugin, fixtures: ConformanceFixtures = {}): void {
  if (capture({ make, fixtures })) return;
  const { testPath } = expect.getState();
  const module = fixtures.module ?? testPath;
  const subject = createSubject(make, { ...fixtures, ...(module !== undefined && { module }) });
  describe.concurrent(`conformance of ${subject.title}`, () => {
    for (const { title, run } of planChecks(subject)) it(title, run, TEST_TIMEOUT_MS);
  });
}
