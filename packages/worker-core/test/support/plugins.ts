import {
  type BeforeEnqueueHook,
  type BeforeRunHook,
  definePlugin,
  type EnqueueDecision,
  type EnqueueInput,
  type Plugin,
  type PluginDefinition,
  type PluginHost,
  type PluginInstance,
  type RunDecision,
  type RunInput,
} from "../../src/index.ts";

type Answer<T> = T | undefined | void | Promise<T | undefined | void>;
type Setup = PluginInstance<any> | ((host: PluginHost<any>) => PluginInstance<any>);
type More = Partial<Omit<PluginDefinition<string, any, any, any>, "name" | "setup">>;

/** A plugin for a test: its hooks, or a setup that makes them. */
export function plugin<const N extends string>(
  name: N,
  instance: Setup = {},
  more: More = {},
): Plugin<N, any, any, any> {
  return definePlugin<N, any, any, any>({
    name,
    producers: "enforced-at-run",
    ...more,
    setup: typeof instance === "function" ? instance : () => instance,
  });
}

/** A `beforeRun` hook of the phase `gate` that is open on errors, unless said otherwise. */
export function gate(
  run: (input: RunInput) => Answer<RunDecision>,
  more: Partial<Omit<BeforeRunHook, "run" | "batch">> = {},
): BeforeRunHook {
  return { phase: "gate", onError: "open", ...more, run };
}

/** A `beforeEnqueue` hook of the phase `admit` that is open on errors, unless said otherwise. */
export function entry(
  run: (input: EnqueueInput) => Answer<EnqueueDecision>,
  more: Partial<Omit<BeforeEnqueueHook, "run" | "batch">> = {},
): BeforeEnqueueHook {
  return { phase: "admit", onError: "open", ...more, run };
}
