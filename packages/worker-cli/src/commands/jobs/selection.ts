import type { Client, JobState, PeekFilter } from "@oppulence/worker-core";
import type { CommandContext, OptionDefinition } from "../../definition.ts";
import { NotConfirmedError, UsageError } from "../../errors.ts";
import type { CliIo } from "../../io/command-io.ts";
import {
  integerOption,
  listOption,
  type OptionValues,
  readIds,
  readLabels,
  textOption,
} from "../../values/read-values.ts";

/** Every state a job can be in. */
const STATES = [
  "ready",
  "scheduled",
  "held",
  "running",
  "failed",
] as const satisfies readonly JobState[];

/** Options that say which jobs are meant. */
export const FILTER_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: "--task <identifier>",
    description: "jobs of this task; may be repeated",
    repeatable: true,
  },
  { flags: "--queue <name>", description: "jobs of this queue; may be repeated", repeatable: true },
  {
    flags: "--state <state>",
    description: "jobs in this state; may be repeated",
    repeatable: true,
    choices: STATES,
  },
  {
    flags: "--label <name=value>",
    description: "jobs that carry this label; repeated, all of them",
    repeatable: true,
  },
  { flags: "--after <id>", description: "jobs whose id is greater: the cursor of the page before" },
];

const MAX_LIMIT = 100_000;

/** Reads {@link FILTER_OPTIONS}. @throws UsageError */
export function readFilter(options: OptionValues): PeekFilter {
  const tasks = listOption(options, "task");
  const queues = listOption(options, "queue");
  const states = listOption(options, "state") as readonly JobState[] | undefined;
  const labels = readLabels(listOption(options, "label"));
  const after = textOption(options, "after");
  return {
    ...(tasks === undefined ? {} : { tasks }),
    ...(queues === undefined ? {} : { queues }),
    ...(states === undefined ? {} : { states }),
    ...(labels === undefined ? {} : { labels }),
    ...(after === undefined ? {} : { after: readIds([after])[0] as string }),
  };
}

/** Reads `--limit`. @throws UsageError */
export function readLimit(options: OptionValues): number | undefined {
  return integerOption(options, "limit", { least: 1, most: MAX_LIMIT });
}

/** Ids that one statement reads. */
const PAGE = 10_000;

/**
 * Ids of every job that matches, page by page.
 *
 * @param limit - at most so many, the oldest first
 */
async function findIds(
  client: Client,
  filter: PeekFilter,
  limit: number | undefined,
  io: CliIo,
): Promise<string[]> {
  const most = limit ?? Number.POSITIVE_INFINITY;
  const ids: string[] = [];
  const bar = io.progress("finding jobs", limit);
  let after = filter.after ?? "0";
  try {
    while (ids.length < most) {
      io.signal.throwIfAborted();
      const size = Math.min(PAGE, most - ids.length);
      const page = await client.engine.ids({ ...filter, after, limit: size });
      for (const id of page) ids.push(String(id));
      bar.update(ids.length);
      if (page.length < size) break;
      after = String(page.at(-1));
    }
  } finally {
    bar.done();
  }
  return ids;
}

/** Jobs that a command is to change. */
export interface Selection {
  readonly ids: readonly string[];
  /**
   * Of some of them, those that still match: answering a question takes time, and a job that was listed as
   * failed may have been retried by then. Undefined when the ids were given.
   */
  readonly stillMatching: ((ids: readonly string[]) => Promise<readonly string[]>) | undefined;
}

/**
 * The jobs that a command is to change: those named by id, or, once confirmed, those that match its filter.
 *
 * @param verb - for the question: `Retry`
 * @param states - the states that are meant when `--state` is not given
 * @returns without ids when nothing matches the filter
 * @throws UsageError when there are neither ids nor a filter, or both; NotConfirmedError
 */
export async function selectJobs(
  { args, options, io, session }: CommandContext,
  verb: string,
  states: readonly JobState[],
): Promise<Selection> {
  const given = (args["ids"] ?? []) as readonly string[];
  const filter = readFilter(options);
  const limit = readLimit(options);
  const isFiltered =
    Object.keys(filter).length > 0 || limit !== undefined || options["all"] === true;
  if (given.length > 0 && isFiltered) {
    throw new UsageError("got ids and a filter; give one of them");
  }
  if (given.length > 0) return { ids: readIds(given), stillMatching: undefined };
  if (!isFiltered) {
    throw new UsageError(
      `which jobs? Give ids, or a filter such as --task, --queue or --label, or --all for every one that is ${states.join(", ")}`,
    );
  }
  const client = await session.connected();
  const whole = { ...filter, states: filter.states ?? states };
  const ids = await findIds(client, whole, limit, io);
  const jobs = ids.length === 1 ? "1 job" : `${ids.length} jobs`;
  if (ids.length > 0 && !(await io.confirm(`${verb} ${jobs}?`))) throw new NotConfirmedError();
  const stillMatching = (some: readonly string[]) =>
    client.engine.ids({ ...whole, ids: some, limit: some.length });
  return { ids, stillMatching };
}

/** Options of a command that takes ids or a filter. */
export const SELECTION_OPTIONS: readonly OptionDefinition[] = [
  ...FILTER_OPTIONS,
  { flags: "--limit <number>", description: "at most so many, the oldest first" },
  { flags: "--all", description: "every job that the command is for" },
];
