import {
  type AnyPlugin,
  addLabels,
  definePlugin,
  ENQUEUE_PHASES,
  proceed,
  RUN_PHASES,
} from "@oppulence/worker-core";

/** What the plugins saw, so that no engine can optimise their hooks away. */
export const seen = { enqueued: 0, granted: 0, committed: 0, observed: 0, failed: 0 };

/** Observes: looks at the job and lets it pass, as metrics or validation do. */
function observer(index: number): AnyPlugin {
  return definePlugin({
    name: `observer-${index}`,
    producers: "enforced-at-run",
    setup: () => ({
      beforeEnqueue: {
        phase: ENQUEUE_PHASES[index % ENQUEUE_PHASES.length] ?? "validate",
        onError: "open",
        run: ({ spec }) => {
          if (spec.identifier !== "") seen.enqueued += 1;
          return undefined;
        },
      },
      beforeRun: {
        phase: RUN_PHASES[index % RUN_PHASES.length] ?? "gate",
        onError: "open",
        run: ({ job }) => {
          if (job.attempts > 0) seen.observed += 1;
          return undefined;
        },
      },
      ...afterwards(),
    }),
  });
}

/** Decides: labels the job on its way in; grants a permit and a context value at run, as a lock does. */
function decider(index: number): AnyPlugin {
  const label = { [`plugin-${index}`]: "on" };
  return definePlugin({
    name: `decider-${index}`,
    producers: "enforced-at-run",
    setup: () => ({
      beforeEnqueue: {
        phase: ENQUEUE_PHASES[index % ENQUEUE_PHASES.length] ?? "validate",
        onError: "closed",
        run: () => addLabels(label),
      },
      beforeRun: {
        phase: RUN_PHASES[index % RUN_PHASES.length] ?? "gate",
        onError: "closed",
        run: ({ task }) =>
          proceed({
            permit: {
              commit: ({ kind }) => {
                if (kind === "succeeded") seen.committed += 1;
              },
              rollback: () => {
                seen.granted -= 1;
              },
            },
            context: { index, task: task.identifier },
          }),
      },
      ...afterwards(),
    }),
  });
}

function afterwards() {
  return {
    afterRun: {
      run: () => {
        seen.observed += 1;
      },
    },
    onFailure: {
      run: () => {
        seen.failed += 1;
        return undefined;
      },
    },
  };
}

/** Eight plugins that each use all four hooks: every second one observes, the others decide. */
export function eightPlugins(): AnyPlugin[] {
  return Array.from({ length: 8 }, (_, index) =>
    index % 2 === 0 ? observer(index) : decider(index),
  );
}
