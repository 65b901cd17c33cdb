import {
  type AnyPlugin,
  definePlugin,
  type HookName,
  proceed,
  type RunDecision,
  type RunInput,
} from "@oppulence/worker-core";

/** A plugin that the suite sets beside the one under test. It uses every hook, and grants a permit. */
export interface Neighbour {
  readonly plugin: AnyPlugin;
  /** What `beforeRun` decides instead of proceeding. @defaultValue nothing: it proceeds */
  stop: ((input: RunInput) => RunDecision | undefined) | undefined;
  /** Called in each hook; what it throws is the hook's failure. */
  watch: ((hook: HookName, input: unknown) => unknown) | undefined;
}

/** Where a neighbour stands, seen from the plugin under test. */
export type Side = "before" | "after";

/**
 * Makes a neighbour.
 *
 * @param side - its `beforeEnqueue` and `beforeRun` come before or after those of the plugin under test,
 * and its after-hooks the other way round
 * @param name - the name of the plugin under test
 * @param log - gets a line for each call: `before: beforeRun`, `after: commit succeeded`
 */
export function createNeighbour(side: Side, name: string, log: string[]): Neighbour {
  const place = side === "before" ? { before: [name] } : { after: [name] };
  const afterPlace = side === "before" ? { after: [name] } : { before: [name] };
  const say = (what: string) => void log.push(`${side}: ${what}`);
  const told = (hook: HookName, input: unknown): any => {
    say(hook);
    return neighbour.watch?.(hook, input);
  };
  const beforeRun = (input: RunInput): any => {
    const watched = told("beforeRun", input);
    const decide = () => neighbour.stop?.(input) ?? proceed({ permit, context: side });
    return watched instanceof Promise ? watched.then(decide) : decide();
  };
  const permit = {
    commit: ({ kind }: { kind: string }) => say(`commit ${kind}`),
    rollback: () => say("rollback"),
  };
  const plugin = definePlugin({
    name: `conformance-${side}`,
    producers: "not-covered",
    setup: () => ({
      start: () => say("start"),
      stop: () => say("stop"),
      beforeEnqueue: {
        phase: side === "before" ? "validate" : "shape",
        ...place,
        onError: "closed",
        run: (input) => told("beforeEnqueue", input),
      },
      beforeRun: {
        phase: side === "before" ? "gate" : "consume",
        ...place,
        onError: "closed",
        run: beforeRun,
      },
      afterRun: { ...afterPlace, run: (input) => told("afterRun", input) },
      onFailure: { ...afterPlace, run: (input) => told("onFailure", input) },
    }),
  });
  const neighbour: Neighbour = { plugin, stop: undefined, watch: undefined };
  return neighbour;
}
