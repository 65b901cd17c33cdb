import type { Query, Reschedule } from "@oppulence/worker-core";
import type { CommandDefinition } from "../../definition.ts";
import { UsageError } from "../../errors.ts";
import { integerOption, type OptionValues, readTime } from "../../values/read-values.ts";
import { changeJobs } from "./change.ts";
import { ATTEMPTS_RANGE, PRIORITY_RANGE } from "./ranges.ts";
import { SELECTION_OPTIONS, selectJobs } from "./selection.ts";

/** `jobs reschedule`: another time, priority or number of attempts. */
export const rescheduleCommand: CommandDefinition = {
  name: "jobs reschedule",
  description:
    "change when jobs run, their priority or their attempts; running ones are left alone; by filter it asks first, and means waiting jobs unless --state says otherwise",
  arguments: [{ name: "[ids...]", description: "ids of jobs" }],
  options: [
    {
      flags: "--at <instant>",
      description: "run then: ISO 8601 with a zone, 2026-03-01T10:00:00Z",
    },
    { flags: "--in <duration>", description: "run so long from now: 30s, 5m, 1h 30m" },
    { flags: "--priority <number>", description: "smaller runs sooner: -32768 to 32767" },
    { flags: "--max-attempts <number>", description: "attempts in all: 1 to 32767" },
    ...SELECTION_OPTIONS,
  ],
  examples: [
    "jobs reschedule 1234 --in 10m",
    "jobs reschedule --label tenant=acme --at 2026-03-01T10:00:00Z --yes",
  ],
  async run(context) {
    const { options, io, session } = context;
    // Everything that can be wrong is found before anything is asked or changed.
    const fixed = readFixed(options);
    const client = await session.connected();
    const change = await withTime(fixed, options, client.query);
    const selection = await selectJobs(context, "Reschedule", ["ready", "scheduled", "held"]);
    return changeJobs(
      client,
      selection,
      {
        done: "rescheduled",
        running: "is running: it has no time to change",
        apply: ({ engine }, batch) => engine.reschedule(batch, change),
      },
      io,
    );
  },
};

function readFixed(options: OptionValues): Reschedule {
  const priority = integerOption(options, "priority", PRIORITY_RANGE);
  const maxAttempts = integerOption(options, "maxAttempts", ATTEMPTS_RANGE);
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
}

async function withTime(
  fixed: Reschedule,
  options: OptionValues,
  query: Query,
): Promise<Reschedule> {
  const runAt = await readTime(options, "at", query);
  if (runAt !== undefined) return { ...fixed, runAt };
  if (Object.keys(fixed).length > 0) return fixed;
  throw new UsageError("what is to change? Give --at, --in, --priority or --max-attempts");
}
