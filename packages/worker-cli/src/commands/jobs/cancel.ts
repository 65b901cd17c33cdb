import type { CommandDefinition } from "../../definition.ts";
import { changeJobs } from "./change.ts";
import { SELECTION_OPTIONS, selectJobs } from "./selection.ts";

/** `jobs cancel`: removes jobs that do not run. */
export const cancelCommand: CommandDefinition = {
  name: "jobs cancel",
  description:
    "remove jobs that wait or have failed; running ones are left alone; by filter it asks first",
  arguments: [{ name: "[ids...]", description: "ids of jobs" }],
  options: SELECTION_OPTIONS,
  examples: ["jobs cancel 1234", "jobs cancel --queue imports --state held --yes"],
  async run(context) {
    const { io, session } = context;
    const selection = await selectJobs(context, "Remove", ["ready", "scheduled", "held", "failed"]);
    return changeJobs(
      await session.connected(),
      selection,
      {
        done: "removed",
        running: "is running: a running job cannot be cancelled yet",
        apply: ({ engine }, batch) => engine.remove(batch),
      },
      io,
    );
  },
};
