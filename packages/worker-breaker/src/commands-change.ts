import type { Command } from "@oppulence/worker-core";
import type { BreakerApi, ByHand } from "./api.ts";
import { BY_HAND_OPTIONS, readByHand } from "./command-values.ts";
import type { CircuitView } from "./view.ts";

const DEPENDENCY = { name: "<dependency>", description: "its name" };

/** `breaker open`, `close` and `reset`: they change the circuit in every process, and are kept with their reason. */
export function changeCommands(api: BreakerApi): Command[] {
  const make = (
    verb: string,
    description: string,
    needsReason: boolean,
    change: (dependency: string, byHand: ByHand, count: boolean) => Promise<CircuitView>,
    more: Command["options"] = [],
  ): Command => ({
    name: `breaker ${verb}`,
    description,
    arguments: [DEPENDENCY],
    options: [...BY_HAND_OPTIONS, ...more],
    async run({ args, options, io }) {
      const byHand = readByHand(options, needsReason);
      const dependency = args["dependency"] as string;
      const view = await change(dependency, byHand, options["metricsOnly"] === true);
      if (io.json) io.record({ ...view });
      io.line(`${dependency} is ${view.state}`);
      return 0;
    },
  });
  return [
    make("open", "have no call pass until the circuit is reset", true, (name, byHand) =>
      api.open(name, byHand),
    ),
    make(
      "close",
      "have every call pass until the circuit is reset, whatever fails",
      true,
      (name, byHand, count) => api.close(name, { ...byHand, count }),
      [{ flags: "--metrics-only", description: "count calls all the same" }],
    ),
    make("reset", "close the circuit and have it go by itself again", false, (name, byHand) =>
      api.reset(name, byHand),
    ),
  ];
}
