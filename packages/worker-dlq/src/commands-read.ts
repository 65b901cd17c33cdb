import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Command, formatDuration } from "@oppulence/worker-core";
import { FILTER_OPTIONS, readFilterOptions, readInteger, text } from "./command-values.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { ExportFormat } from "./export.ts";
import type { DLQManager } from "./manager.ts";

const FOUND_NOTHING = 3;
const LIST_COLUMNS = ["id", "task", "reason", "what", "attempts", "requeues", "deadAt"];
const GROUP_COLUMNS = [
  "fingerprint",
  "task",
  "count",
  "what",
  "firstSeen",
  "lastSeen",
  "exampleId",
];
const STATS_COLUMNS = ["task", "size", "oldest", "newest", "age"];

/** `dlq list`, `show`, `groups`, `stats` and `export`: they change nothing. */
export function readCommands(manager: DLQManager, now: () => number): Command[] {
  const list: Command = {
    name: "dlq list",
    description: "list dead letters, newest first; exits 3 when there is none",
    options: [
      ...FILTER_OPTIONS,
      { flags: "--limit <number>", description: "at most so many; 50 unless given" },
      { flags: "--cursor <id>", description: "the page after: `next` of the one before" },
    ],
    async run({ options, io }) {
      const limit = readInteger(options["limit"], "--limit");
      const cursor = text(options["cursor"]);
      const page = await manager.list({
        ...readFilterOptions(options, now()),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      io.table(page.entries.map(viewEntry), LIST_COLUMNS);
      if (page.next !== undefined) io.line(`there are more: --cursor ${page.next}`);
      return page.entries.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const show: Command = {
    name: "dlq show",
    description: "show everything of one dead letter; exits 3 when there is none",
    arguments: [{ name: "<id>", description: "its id" }],
    async run({ args, io }) {
      const entry = await manager.get(args["id"] as string);
      if (entry === undefined) {
        io.line("no dead letter has this id");
        return FOUND_NOTHING;
      }
      io.record({ ...entry });
      return 0;
    },
  };
  const groups: Command = {
    name: "dlq groups",
    description: "show causes of dead letters, most frequent first; exits 3 when there is none",
    options: [
      ...FILTER_OPTIONS,
      { flags: "--limit <number>", description: "at most so many; 50 unless given" },
    ],
    async run({ options, io }) {
      const limit = readInteger(options["limit"], "--limit");
      const filter = readFilterOptions(options, now());
      const found = await manager.groups(filter, limit === undefined ? {} : { limit });
      io.table(
        found.map((group) => ({ ...group, what: what(group.errorName, group.errorMessage) })),
        GROUP_COLUMNS,
      );
      return found.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const stats: Command = {
    name: "dlq stats",
    description: "show how many dead letters each task has, and how old they are",
    async run({ io }) {
      const { tasks, total, exact } = await manager.stats();
      io.table(
        tasks.map((row) => ({ ...row, age: formatDuration(row.ageSeconds * 1_000) })),
        STATS_COLUMNS,
      );
      io.line(`${total} dead letters${exact ? "" : ", estimated"}`);
    },
  };
  const exportCommand: Command = {
    name: "dlq export",
    description: "write dead letters as NDJSON or CSV, oldest first",
    options: [
      ...FILTER_OPTIONS,
      { flags: "--format <format>", description: "ndjson or csv", default: "ndjson" },
      { flags: "--output <file>", description: "a file; standard output unless given" },
    ],
    async run({ options, io }) {
      const stream = manager.exportDLQ({
        format: options["format"] as ExportFormat,
        filter: readFilterOptions(options, now()),
      });
      const file = text(options["output"]);
      if (file !== undefined) {
        await pipeline(stream, createWriteStream(file), { signal: io.signal });
        io.line(`wrote ${file}`);
        return;
      }
      await pipeline(stream, process.stdout, { signal: io.signal, end: false }).catch(quietPipe);
    },
  };
  return [list, show, groups, stats, exportCommand];
}

/** Whoever reads has enough: `dlq export | head`. */
function quietPipe(error: unknown): void {
  if ((error as { code?: unknown }).code !== "EPIPE") throw error;
}

function viewEntry(entry: DeadLetter): Record<string, unknown> {
  return {
    ...entry,
    what: what(entry.error.name, entry.error.message),
    requeues: entry.requeueCount,
  };
}

/** An error on one line. */
function what(name: string | undefined, message: string): string {
  const line = message.split("\n")[0] ?? "";
  const short = line.length > 100 ? `${line.slice(0, 99)}…` : line;
  return name === undefined ? short : `${name}: ${short}`;
}
