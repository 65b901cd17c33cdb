import { definePlugin, proceed } from "@oppulence/worker-core";
import { testPlugin } from "../../src/conformance.ts";

/** Next to nothing: one hook, one permit. */
const stopwatch = () =>
  definePlugin({
    name: "stopwatch",
    producers: "not-covered",
    setup: ({ clock }) => ({
      beforeRun: {
        phase: "consume",
        onError: "open",
        run: () => {
          const started = clock.now();
          return proceed({ permit: { commit: () => void (clock.now() - started), rollback() {} } });
        },
      },
    }),
  });

testPlugin(() => stopwatch());
