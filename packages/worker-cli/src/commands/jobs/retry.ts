import type { CommandDefinition } from "../../definition.ts";
import { databaseNow } from "../../values/read-values.ts";
import { changeJobs } from "./change.ts";
import { SELECTION_OPTIONS, selectJobs } from "./selection.ts";

/** `jobs retry`: every attempt back, due now. */
export const retryCommand: CommandDefinition = {
  name: "jobs retry",
  description:
    "give jobs every attempt back and make them due now; by filter it asks first, and means failed jobs unless --state says otherwise",
  arguments: [{ name: "[ids...]", description: "ids of jobs" }],
  options: SELECTION_OPTIONS,
  examples: ["jobs retry 1234 1235", "jobs retry --task send_email --yes"],
  async run(context) {
    const { io, session } = context;
    const selection = await selectJobs(context, "Retry", ["failed"]);
    const client = await session.connected();
    const now = await databaseNow(client.query);
    return changeJobs(
      client,
      selection,
      {
        done: "retried",
        running: "is running: it has its attempt already",
        apply: ({ engine }, batch) => engine.reschedule(batch, { attempts: 0, runAt: now }),
      },
      io,
    );
  },
};
