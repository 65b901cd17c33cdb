import type { CommandDefinition } from "../../definition.ts";
import { textOption } from "../../values/read-values.ts";
import { changeJobs } from "./change.ts";
import { SELECTION_OPTIONS, selectJobs } from "./selection.ts";

/** `jobs cancel`: removes jobs that do not run, and has the plugins abort those that do. */
export const cancelCommand: CommandDefinition = {
  name: "jobs cancel",
  description:
    "remove jobs that wait or have failed, and abort running ones where a plugin can (@oppulence/worker-retry); by filter it asks first",
  arguments: [{ name: "[ids...]", description: "ids of jobs" }],
  options: [
    ...SELECTION_OPTIONS,
    { flags: "--reason <text>", description: "what a running job's task is told" },
  ],
  examples: [
    'jobs cancel 1234 --reason "wrong customer"',
    "jobs cancel --queue imports --state held --yes",
  ],
  async run(context) {
    const { io, options, session } = context;
    const selection = await selectJobs(context, "Cancel", ["ready", "scheduled", "held", "failed"]);
    return changeJobs(
      await session.connected(),
      selection,
      {
        done: "cancelled",
        running: "runs where no plugin reaches it: @oppulence/worker-retry cancels running jobs",
        apply: async (client, batch) => {
          const { removed, told } = await client.cancel(batch, textOption(options, "reason"));
          return [...removed, ...told];
        },
      },
      io,
    );
  },
};
