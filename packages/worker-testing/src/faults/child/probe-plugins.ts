import { type AnyPlugin, definePlugin, type PluginInstance, proceed } from "@oppulence/worker-core";
import { andThen, tapPlugin } from "../tap-plugin.ts";

/** Calls out that a point has been reached. */
export type Reach = (label: string) => void;

const around = (reach: Reach, label: string, next: () => unknown): unknown => {
  reach(`${label}:before`);
  return andThen(next(), (value) => {
    reach(`${label}:after`);
    return value;
  });
};

/**
 * Places probes before, after and within a list of plugins.
 *
 * The first probe's hooks run before those of all others and the last one's after, whatever their phases;
 * each plugin between them is tapped, under its name.
 */
export function withProbes(plugins: readonly AnyPlugin[], reach: Reach): AnyPlugin[] {
  const names = plugins.map(({ name }) => name);
  return [
    firstProbe(names, reach),
    ...plugins.map((plugin) => tapped(plugin, reach)),
    lastProbe(names, reach),
  ];
}

function tapped(plugin: AnyPlugin, reach: Reach): AnyPlugin {
  return tapPlugin(plugin, {
    hook: (name, next) => around((label) => reach(`${label}@${plugin.name}`), name, next),
    permit: (end, next) =>
      around(
        (label) => {
          reach(label);
          reach(`${label}@${plugin.name}`);
        },
        `permit:${end}`,
        next,
      ),
  });
}

function firstProbe(names: readonly string[], reach: Reach): AnyPlugin {
  return probe("fault-probe-first", {
    beforeEnqueue: {
      phase: "validate",
      before: names,
      onError: "open",
      run: () => reach("beforeEnqueue:before"),
    },
    beforeRun: {
      phase: "gate",
      before: names,
      onError: "open",
      run: () => reach("beforeRun:before"),
    },
    // After-hooks run the other way round.
    afterRun: { after: names, run: () => reach("afterRun:after") as undefined },
    onFailure: { after: names, run: () => reach("onFailure:after") as undefined },
  });
}

function lastProbe(names: readonly string[], reach: Reach): AnyPlugin {
  return probe("fault-probe-last", {
    beforeEnqueue: {
      phase: "shape",
      after: names,
      onError: "open",
      run: () => reach("beforeEnqueue:after"),
    },
    beforeRun: {
      phase: "consume",
      after: names,
      onError: "open",
      run: () => {
        reach("beforeRun:after");
        return proceed({ around: (next) => around(reach, "run", next) });
      },
    },
    afterRun: { before: names, run: () => reach("afterRun:before") as undefined },
    onFailure: { before: names, run: () => reach("onFailure:before") as undefined },
  });
}

const probe = (name: string, instance: PluginInstance): AnyPlugin =>
  definePlugin({ name, producers: "not-covered", setup: () => instance });
