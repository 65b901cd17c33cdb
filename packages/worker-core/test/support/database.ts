import { testDatabase } from "@oppulence/worker-testing/vitest";

/**
 * A database for the test: with the newest graphile-worker's tables in it, or an empty one where the test
 * runs on an older graphile-worker, which is to make its own.
 */
export function engineDatabase(): ReturnType<typeof testDatabase> {
  return testDatabase(
    process.env.OPPULENCE_TEST_ENGINE === undefined ? {} : { template: "template1" },
  );
}
