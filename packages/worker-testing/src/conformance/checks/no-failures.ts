import { messageOf } from "@oppulence/worker-core";
import { check } from "../errors.ts";
import type { PluginFailure, Stage } from "../stage.ts";

/**
 * Fails when a hook or permit of the plugin under test failed. The core isolates those, so that nothing else
 * would show it.
 *
 * @param when - ends the sentence: `on a job that succeeded`
 */
export function assertNoFailures(
  { failures, subject }: Stage,
  when: string,
  except: (failure: PluginFailure) => boolean = () => false,
): void {
  const failure = failures.find((one) => one.plugin === subject.name && !except(one));
  check(
    failure === undefined,
    () => `its ${failure?.hook} failed ${when}: ${messageOf(failure?.error)}`,
  );
}
