import type { AfterRunInput } from "../contract/hooks.ts";
import { type CompiledHook, type HookReport, isPromise, within } from "./hook.ts";

/**
 * Calls the `afterRun` hooks one after another. What they throw is reported and changes nothing.
 *
 * @returns undefined when no hook gave a promise
 */
export function observe(
  hooks: readonly CompiledHook<AfterRunInput, never>[],
  input: AfterRunInput,
  report: HookReport,
  from = 0,
): Promise<void> | undefined {
  for (let index = from; index < hooks.length; index++) {
    const hook = hooks[index] as CompiledHook<AfterRunInput, never>;
    try {
      const pending = hook.call(input) as unknown;
      if (isPromise(pending)) {
        return within(pending, hook.timeoutMs, hook.plugin, hook.name)
          .catch((error: unknown) => report.failed(hook.plugin, hook.name, error))
          .then(() => observe(hooks, input, report, index + 1));
      }
    } catch (error) {
      report.failed(hook.plugin, hook.name, error);
    }
  }
  return undefined;
}
