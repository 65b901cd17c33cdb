import type { Events, PluginInstance } from "@oppulence/worker-core";
import { messageOf } from "@oppulence/worker-core";
import type { Tap } from "../../faults/tap-plugin.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { fateOf } from "../fate.ts";
import { onStage, type Stage } from "../stage.ts";

/** Checks of starting and stopping, and of two workers in one process. */
export const lifecycleChecks: readonly Check[] = [
  {
    name: "lifecycle: start may be called twice, and changes nothing the second time",
    run: async (subject, cell) => {
      const { tap, listeners } = countListeners();
      await onStage(subject, { cell, tap }, async (stage) => {
        const instance = instanceOf(stage);
        if (instance.start === undefined) return;
        const before = listeners();
        await attempt(() => instance.start?.(), "its start failed when it was called again");
        const after = listeners();
        check(
          after === before,
          () =>
            `it listens to events ${after} times after its second start, ${before} times before`,
        );
        await stage.wait(await stage.add(), "succeeded", "a job should run after a second start");
      });
    },
  },
  {
    name: "lifecycle: stop may be called before start, and twice",
    run: (subject, cell) =>
      onStage(subject, { cell }, async (stage) => {
        // A client of the same plugins, which is never started.
        const idle = stage.harness.client.composition.installed;
        const unstarted = idle.find(({ plugin }) => plugin.name === subject.name)?.instance;
        await attempt(() => unstarted?.stop?.(), "its stop failed when it had not been started");
        const instance = instanceOf(stage);
        await attempt(() => instance.stop?.(), "its stop failed");
        await attempt(() => instance.stop?.(), "its stop failed when it was called again");
      }),
  },
  {
    name: "lifecycle: a worker knows nothing of another worker in the same process",
    applies: ({ fixtures }) => fixtures.stops !== undefined,
    run: (subject, cell) =>
      onStage(subject, { cell }, (first) =>
        onStage(subject, { cell }, async (second) => {
          await subject.fixtures.stops?.setup(first.context);
          const fate = await fateOf(second, await second.add());
          check(
            fate?.kind === "ran",
            () =>
              `only the jobs of another worker, on another database, should be stopped, and yet this one's fate is: ${fate?.kind ?? "unclear"}`,
          );
        }),
      ),
  },
];

function instanceOf({ harness, subject }: Stage): PluginInstance {
  const { installed } = harness.worker.composition;
  const found = installed.find(({ plugin }) => plugin.name === subject.name);
  return found?.instance as PluginInstance;
}

async function attempt(body: () => unknown, problem: string): Promise<void> {
  let error: unknown;
  try {
    await body();
  } catch (thrown) {
    error = thrown;
  }
  check(error === undefined, () => `${problem}: ${messageOf(error)}`);
}

/** Counts the plugin's listeners on the worker's events. */
function countListeners(): { readonly tap: Tap; listeners(): number } {
  let count = 0;
  const counted = (events: Events): Events => {
    const subscribe = (name: "on" | "once"): Events["on"] => {
      return (event, listener) => {
        count += 1;
        const off = events[name](event, listener);
        return () => {
          count -= 1;
          off();
        };
      };
    };
    return { ...events, on: subscribe("on"), once: subscribe("once") };
  };
  return {
    tap: { host: (host) => ({ ...host, events: counted(host.events) }) },
    listeners: () => count,
  };
}
