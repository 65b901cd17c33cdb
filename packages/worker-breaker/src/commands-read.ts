import type { Command } from "@oppulence/worker-core";
import type { BreakerApi } from "./api.ts";
import { FOUND_NOTHING, readLimit } from "./command-values.ts";
import type { CircuitView } from "./view.ts";

const LIST_COLUMNS = ["dependency", "state", "since", "nextProbe", "failed", "parked", "lastError"];
const HISTORY_COLUMNS = ["at", "from", "to", "reason", "actor", "lastError"];

/** `breaker list` and `show`: they change nothing. */
export function readCommands(api: BreakerApi): Command[] {
  const list: Command = {
    name: "breaker list",
    description: "list dependencies with the states of their circuits; exits 3 when there is none",
    async run({ io }) {
      const views = await api.list();
      io.table(views.map(rowOf), LIST_COLUMNS);
      return views.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const show: Command = {
    name: "breaker show",
    description: "show a dependency's circuit, and what became of it",
    arguments: [{ name: "<dependency>", description: "its name" }],
    options: [{ flags: "--limit <number>", description: "transitions to show; 10 unless given" }],
    async run({ args, options, io }) {
      const dependency = args["dependency"] as string;
      const limit = readLimit(options["limit"]) ?? 10;
      const view = await api.get(dependency);
      const transitions = await api.history({ dependency, limit });
      if (io.json) {
        io.record({ ...view, transitions });
        return 0;
      }
      io.record({ ...view });
      io.table(
        transitions.map((each) => ({ ...each })),
        HISTORY_COLUMNS,
      );
      return 0;
    },
  };
  return [list, show];
}

function rowOf(view: CircuitView): Record<string, unknown> {
  return { ...view, failed: `${view.calls.failed} of ${view.calls.calls}` };
}
