import type { Command } from "@oppulence/worker-core";
import type { SagaApi } from "./api.ts";
import { argument, readInteger, readOne, text } from "./command-values.ts";
import { RUN_STATES } from "./moves.ts";

const FOUND_NOTHING = 3;
const ID = { name: "<id>", description: "id of a run" };

/** `workflow list`, `show` and `graph`: they change nothing. */
export function readCommands(api: SagaApi): Command[] {
  const list: Command = {
    name: "workflow list",
    description: "runs of workflows, the last one started first",
    options: [
      { flags: "--workflow <name>", description: "of this workflow" },
      { flags: "--state <state>", description: `in this state: ${RUN_STATES.join(", ")}` },
      { flags: "--limit <number>", description: "at most so many; 50 unless given" },
      { flags: "--before <id>", description: "those started before this run: the next page" },
    ],
    async run({ options, io }) {
      const state = readOne(options["state"], "--state", RUN_STATES);
      const runs = await api.list({
        workflow: text(options["workflow"]),
        states: state === undefined ? undefined : [state],
        limit: readInteger(options["limit"], "--limit"),
        before: text(options["before"]),
      });
      io.table(
        runs.map((run) => ({ ...run, created: run.createdAt.toISOString() })),
        ["id", "workflow", "state", "created", "failure"],
      );
      return runs.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const show: Command = {
    name: "workflow show",
    description: "a run with its steps, and with --history every attempt of them",
    arguments: [ID],
    options: [{ flags: "--history", description: "every attempt, oldest first" }],
    async run({ args, options, io }) {
      const id = argument({ args }, "id");
      const run = await api.get(id);
      if (run === undefined) {
        io.warn(`no run has the id ${JSON.stringify(id)}`);
        return FOUND_NOTHING;
      }
      const history = options["history"] === true ? await api.history(id) : undefined;
      if (io.json) {
        io.record({ ...run, ...(history !== undefined && { history }) });
        return 0;
      }
      const { steps, ...rest } = run;
      io.record({ ...rest });
      io.table(
        steps.map((step) => ({ ...step })),
        ["id", "kind", "state", "attempts", "error"],
      );
      if (history !== undefined) io.table(history.map((one) => ({ ...one })));
      return 0;
    },
  };
  const graph: Command = {
    name: "workflow graph",
    description: "the graph of a run, coloured by state, as Mermaid or DOT",
    arguments: [ID],
    options: [{ flags: "--format <format>", description: "mermaid (unless given) or dot" }],
    async run({ args, options, io }) {
      const format = readOne(options["format"], "--format", ["mermaid", "dot"] as const);
      const graphText = await api.graph(argument({ args }, "id"), format);
      if (io.json) io.record({ graph: graphText });
      else io.line(graphText);
      return 0;
    },
  };
  return [list, show, graph];
}
