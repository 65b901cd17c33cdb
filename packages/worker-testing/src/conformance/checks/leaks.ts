import { until } from "../../harness/until.ts";
import { check } from "../errors.ts";
import type { Stage } from "../stage.ts";

/**
 * Fails when the plugin still holds something although nothing runs, by the fixture's own look.
 *
 * @param when - ends the sentence: `after a job that succeeded`
 * @param graceMs - how long leases may take to expire
 */
export async function assertNoLeaks(stage: Stage, when: string, graceMs = 0): Promise<void> {
  const { leakCheck } = stage.subject.fixtures;
  if (leakCheck === undefined) return;
  let left: readonly unknown[] = [];
  await until(
    async () => {
      left = await leakCheck(stage.context);
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: graceMs },
  );
  check(
    left.length === 0,
    () =>
      `${when} it still holds: ${left
        .slice(0, 5)
        .map((row) => JSON.stringify(row))
        .join(", ")}`,
  );
}
