import type { CommandDefinition } from "../../definition.ts";
import { EXIT } from "../../exit-codes.ts";
import { readIds } from "../../values/read-values.ts";
import { viewWholeJob } from "./job-view.ts";

/** `jobs show`: everything of one row. */
export const showCommand: CommandDefinition = {
  name: "jobs show",
  description:
    "show everything of a job: row, labels, note, last error, payload; exits 3 when it is gone",
  arguments: [{ name: "<id>", description: "the job's id" }],
  async run({ args, io, session }) {
    const [id] = readIds([args["id"] as string]);
    const client = await session.connected();
    const record = await client.engine.get(id as string);
    if (record !== undefined) {
      io.record(viewWholeJob(record));
      return EXIT.ok;
    }
    const note = await client.engine.note(id as string);
    if (io.json) io.data({ id, state: "gone", note: note ?? null });
    else io.line(`job ${id} is not in the queue: completed, removed, or never there`);
    if (note !== undefined)
      io.line(`its last note: ${note.kind} by ${note.plugin}: ${note.message}`);
    return EXIT.nothing;
  },
};
