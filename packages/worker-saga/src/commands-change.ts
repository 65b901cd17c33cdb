import type { Command, CommandInput } from "@oppulence/worker-core";
import type { SagaApi } from "./api.ts";
import { argument, readJson, readOne, text } from "./command-values.ts";
import type { RedriveOptions } from "./redriver.ts";

const FAILED = 1;
const ID = { name: "<id>", description: "id of a run" };
const INPUT = { flags: "--input <json>", description: "another input; its own unless given" };

/** `workflow start`, `signal`, `cancel`, `resume`, `skip` and `redrive`. */
export function changeCommands(api: SagaApi): Command[] {
  const start: Command = {
    name: "workflow start",
    description: "start a run",
    arguments: [{ name: "<workflow>", description: "a workflow's name" }],
    options: [
      { flags: "--input <json>", description: "what it starts with" },
      { flags: "--id <id>", description: "of the run; the same one starts the same run, once" },
    ],
    async run({ args, options, io }) {
      const id = text(options["id"]);
      const input = readJson(text(options["input"]), "--input");
      const workflow = argument({ args }, "workflow");
      io.record({ ...(await api.startByName(workflow, input, id === undefined ? {} : { id })) });
    },
  };
  const signal: Command = {
    name: "workflow signal",
    description: "send a signal to a run",
    arguments: [ID, { name: "<name>", description: "the signal's name" }],
    options: [
      { flags: "--payload <json>", description: "what it carries" },
      { flags: "--key <key>", description: "the same one is taken once" },
    ],
    async run({ args, options, io }) {
      const key = text(options["key"]);
      const payload = readJson(text(options["payload"]), "--payload");
      const [id, name] = [argument({ args }, "id"), argument({ args }, "name")];
      io.record({ ...(await api.signal(id, name, payload, key === undefined ? {} : { key })) });
    },
  };
  const cancel: Command = {
    name: "workflow cancel",
    description: "cancel a run, and compensate what ran",
    arguments: [ID],
    options: [
      { flags: "--reason <text>", description: "why" },
      { flags: "--no-compensate", description: "leave what ran as it is" },
    ],
    async run({ args, options, io }) {
      const id = argument({ args }, "id");
      if (!(await io.confirm(`Cancel run ${id}?`))) return FAILED;
      await api.cancel(id, text(options["reason"]), {
        compensate: options["compensate"] !== false,
      });
      return tell(api, id, io);
    },
  };
  const resume: Command = {
    name: "workflow resume",
    description: "try the failed compensations of a run again",
    arguments: [ID],
    options: [INPUT],
    async run({ args, options, io }) {
      const id = argument({ args }, "id");
      await api.resume(id, { input: readJson(text(options["input"]), "--input") });
      return tell(api, id, io);
    },
  };
  const skip: Command = {
    name: "workflow skip",
    description: "leave the failed compensation of a step out",
    arguments: [ID, { name: "<step>", description: "id of the step" }],
    options: [{ flags: "--reason <text>", description: "why" }],
    async run({ args, options, io }) {
      const [id, step] = [argument({ args }, "id"), argument({ args }, "step")];
      if (!(await io.confirm(`Leave step ${step} of run ${id} as it is, not undone?`)))
        return FAILED;
      await api.skip(id, step, text(options["reason"]) ?? "skipped by hand");
      return tell(api, id, io);
    },
  };
  return [start, signal, cancel, resume, skip, redriveCommand(api)];
}

function redriveCommand(api: SagaApi): Command {
  return {
    name: "workflow redrive",
    description: "start a failed run once more; shows what is kept and what runs, and asks",
    arguments: [ID],
    options: [
      { flags: "--mode <mode>", description: "failed (unless given), failedAndDownstream or all" },
      { flags: "--current", description: "on the definition that new runs start on" },
      INPUT,
      { flags: "--dry-run", description: "only show the plan" },
    ],
    async run({ args, options, io }) {
      const id = argument({ args }, "id");
      const modes = ["failed", "failedAndDownstream", "all"] as const;
      const mode = readOne(options["mode"], "--mode", modes);
      const how: RedriveOptions = {
        ...(mode !== undefined && { mode }),
        definition: options["current"] === true ? "current" : "own",
        input: readJson(text(options["input"]), "--input"),
      };
      const plan = await api.plan(id, how);
      io.table(
        plan.map((step) => ({ ...step })),
        ["step", "action", "state", "why"],
      );
      if (options["dryRun"] === true) return 0;
      if (!(await io.confirm(`Redrive run ${id}?`))) return FAILED;
      await api.redrive(id, how);
      return 0;
    },
  };
}

async function tell(api: SagaApi, id: string, io: CommandInput["io"]): Promise<number> {
  const run = await api.get(id);
  io.record({ id, state: run?.state, failure: run?.failure });
  return 0;
}
