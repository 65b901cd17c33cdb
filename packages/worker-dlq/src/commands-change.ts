import type { Command, CommandIo } from "@oppulence/worker-core";
import {
  type CommandValues,
  FILTER_OPTIONS,
  readInstant,
  readInteger,
  readJson,
  readSelection,
  text,
} from "./command-values.ts";
import type { DiscardResult, DLQManager } from "./manager.ts";
import type { ReprocessResult } from "./tally.ts";

const FAILED = 1;
const FOUND_NOTHING = 3;
const MAX_SHOWN = 20;
const IDS = { name: "[ids...]", description: "ids of dead letters" };
const WHICH = [...FILTER_OPTIONS, { flags: "--all", description: "every one" }];
const DRY_RUN = { flags: "--dry-run", description: "only say what would be done" };

/** `dlq reprocess`, `discard` and `purge`: they change dead letters. */
export function changeCommands(manager: DLQManager, now: () => number): Command[] {
  const reprocess: Command = {
    name: "dlq reprocess",
    description: "send dead letters back to the queue; those that cannot go stay, and it says why",
    arguments: [IDS],
    options: [
      ...WHICH,
      DRY_RUN,
      { flags: "--payload <json>", description: "a new payload for all of them" },
      { flags: "--priority <number>", description: "a new priority; their own unless given" },
      { flags: "--run-at <time>", description: "not before this time, with its zone" },
      {
        flags: "--max-attempts <number>",
        description: "attempts; as many as they had unless given",
      },
      { flags: "--spread-over <duration>", description: "spread them evenly over this time" },
      { flags: "--force", description: "also those that were reprocessed too often" },
    ],
    async run({ args, options, io }) {
      const selection = readSelection({ args, options }, "dlq reprocess", now());
      const bar = io.progress("reprocessing");
      try {
        const result = await manager.reprocessDLQ({
          ...selection,
          ...readChanges(options),
          dryRun: options["dryRun"] === true,
          force: options["force"] === true,
          signal: io.signal,
          onProgress: (done) => bar.update(done),
        });
        bar.done();
        return tellReprocessed(result, io);
      } finally {
        bar.done();
      }
    },
  };
  const discard: Command = {
    name: "dlq discard",
    description: "delete dead letters for good, after their archive hook",
    arguments: [IDS],
    options: [...WHICH, DRY_RUN],
    async run({ args, options, io }) {
      const selection = readSelection({ args, options }, "dlq discard", now());
      const { matched } = await manager.discard({ ...selection, dryRun: true });
      if (options["dryRun"] === true || matched === 0)
        return tellDiscarded({ matched, discarded: matched, kept: 0, dryRun: true }, io);
      if (!(await io.confirm(`Delete ${matched} dead letters for good?`))) return FAILED;
      return tellDiscarded(
        await withProgress(io, (tell) => manager.discard({ ...selection, ...tell })),
        io,
      );
    },
  };
  const purge: Command = {
    name: "dlq purge",
    description: "delete all dead letters, or all of a task, after their archive hook",
    options: [{ flags: "--task <identifier>", description: "of this task only" }, DRY_RUN],
    async run({ options, io }) {
      const task = text(options["task"]);
      const filter = task === undefined ? {} : { task };
      const { matched } = await manager.discard({ filter, dryRun: true });
      if (options["dryRun"] === true || matched === 0)
        return tellDiscarded({ matched, discarded: matched, kept: 0, dryRun: true }, io);
      const of = task === undefined ? "" : ` of task ${task}`;
      if (!(await io.confirm(`Delete all ${matched} dead letters${of} for good?`))) return FAILED;
      return tellDiscarded(
        await withProgress(io, (tell) => manager.clear({ ...filter, ...tell })),
        io,
      );
    },
  };
  return [reprocess, discard, purge];
}

function readChanges(options: CommandValues): object {
  const changes = {
    payload: readJson(options["payload"], "--payload"),
    priority: readInteger(options["priority"], "--priority"),
    runAt: readInstant(options["runAt"], "--run-at"),
    maxAttempts: readInteger(options["maxAttempts"], "--max-attempts"),
    spreadOver: text(options["spreadOver"]),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

async function withProgress<T>(
  io: CommandIo,
  body: (tell: { onProgress: (done: number) => void; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const bar = io.progress("deleting");
  try {
    return await body({ onProgress: (done) => bar.update(done), signal: io.signal });
  } finally {
    bar.done();
  }
}

/** @returns 0 when all went, 3 when there was none, otherwise 1 */
function tellReprocessed(result: ReprocessResult, io: CommandIo): number {
  const { matched, requeued, refused, refusals, dryRun } = result;
  if (io.json) io.record({ ...result });
  else if (refusals.length > 0) {
    io.table(
      refusals.slice(0, MAX_SHOWN).map((one) => ({ ...one })),
      ["id", "task", "code", "message"],
    );
    if (refused > MAX_SHOWN) io.line(`and ${refused - MAX_SHOWN} more`);
  }
  io.line(`${dryRun ? "would reprocess" : "reprocessed"} ${requeued} of ${matched}`);
  if (matched === 0) return FOUND_NOTHING;
  return refused === 0 ? 0 : FAILED;
}

function tellDiscarded(result: DiscardResult, io: CommandIo): number {
  const { matched, discarded, kept, dryRun } = result;
  if (io.json) io.record({ ...result });
  io.line(`${dryRun ? "would delete" : "deleted"} ${discarded} of ${matched}`);
  if (kept > 0) io.warn(`${kept} are kept: their archive hook failed`);
  if (matched === 0) return FOUND_NOTHING;
  return kept === 0 ? 0 : FAILED;
}
