import type { CommandDefinition } from "../../definition.ts";
import { EXIT } from "../../exit-codes.ts";
import { JOB_COLUMNS, viewJob } from "./job-view.ts";
import { FILTER_OPTIONS, readFilter, readLimit } from "./selection.ts";

const DEFAULT_LIMIT = 50;

/** `jobs list`: rows of the queue, by id. */
export const listCommand: CommandDefinition = {
  name: "jobs list",
  description: "list jobs by id; exits 3 when there is none",
  options: [
    ...FILTER_OPTIONS,
    { flags: "--limit <number>", description: `at most so many; ${DEFAULT_LIMIT} unless given` },
  ],
  examples: [
    "jobs list --state failed --task send_email",
    "jobs list --label tenant=acme --limit 100 --after 1234 --json",
  ],
  async run({ options, io, session }) {
    const filter = readFilter(options);
    const limit = readLimit(options) ?? DEFAULT_LIMIT;
    const client = await session.connected();
    // One more than asked for tells whether there is a next page.
    const found = await client.engine.peek({ ...filter, limit: limit + 1 });
    const jobs = found.slice(0, limit).map(viewJob);
    if (jobs.length === 0 && !io.json) io.line("no job matches");
    else io.table(jobs, JOB_COLUMNS);
    if (found.length > limit) io.line(`there are more: --after ${jobs.at(-1)?.id}`);
    return jobs.length === 0 ? EXIT.nothing : EXIT.ok;
  },
};
