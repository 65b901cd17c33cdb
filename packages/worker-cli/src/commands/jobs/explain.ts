import type { JobExplanation } from "@oppulence/worker-core";
import type { CommandDefinition } from "../../definition.ts";
import { EXIT } from "../../exit-codes.ts";
import type { CliIo } from "../../io/command-io.ts";
import { dateText } from "../../io/text-of.ts";
import { readIds } from "../../values/read-values.ts";
import { viewJob } from "./job-view.ts";

/** `jobs explain`: why a job is not running. */
export const explainCommand: CommandDefinition = {
  name: "jobs explain",
  description:
    "say why a job is not running, who holds it back and when it will run; exits 3 when it is gone",
  arguments: [{ name: "<id>", description: "the job's id" }],
  async run({ args, io, session }) {
    const [id] = readIds([args["id"] as string]);
    const client = await session.connected();
    const answer = await client.explain(id as string);
    if (io.json) io.data(viewExplanation(answer));
    else tell(answer, io);
    return answer.state === "gone" && answer.note === undefined ? EXIT.nothing : EXIT.ok;
  },
};

function viewExplanation({ job, note, until, ...rest }: JobExplanation): Record<string, unknown> {
  const view =
    job === undefined || rest.state === "gone" ? null : viewJob({ job, state: rest.state, note });
  return { ...rest, until: until ?? null, note: note ?? null, job: view };
}

function tell({ id, job, state, summary, plugins, until }: JobExplanation, io: CliIo): void {
  const task = job === undefined ? "" : ` (${job.task_identifier})`;
  io.line(`job ${id}${task}, ${state}: ${summary}`);
  if (until !== undefined) io.line(`due at the earliest: ${dateText(until)}`);
  for (const { plugin, message, blocking, until: to } of plugins) {
    const when = to === undefined ? "" : ` (until ${dateText(to)})`;
    io.line(`- ${plugin}${blocking ? " holds it back" : ""}: ${message}${when}`);
  }
}
