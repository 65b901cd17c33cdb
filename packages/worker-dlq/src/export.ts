import { Readable } from "node:stream";
import { chunksOf } from "./chunks.ts";
import { csvHeader, csvLines } from "./csv.ts";
import { type DeadLetter, toDeadLetter } from "./dead-letter.ts";
import type { DlqFilter } from "./filter.ts";
import type { DlqStore } from "./postgres-store.ts";

/** NDJSON: one entry a line, whole. CSV: one a line, without stacks, causes and earlier errors. */
export type ExportFormat = "ndjson" | "csv";

/** Entries that are in memory at once, if their payloads are small. */
const AT_ONCE = 200;

/**
 * Entries as text, oldest first, those that are there when it begins. A part at a time, as the reader takes
 * them: memory does not grow with the number of entries.
 *
 * @param filter - checked already
 */
export function exportEntries(
  store: DlqStore,
  format: ExportFormat,
  filter: DlqFilter,
  maxRequeues: number,
): Readable {
  async function* texts(): AsyncGenerator<string> {
    if (format === "csv") yield csvHeader();
    const ceiling = await store.ceiling();
    for await (const ids of chunksOf(store, [filter], ceiling, AT_ONCE)) {
      const entries = (await store.read(ids)).map((row) => toDeadLetter(row, maxRequeues));
      if (entries.length > 0) yield format === "csv" ? csvLines(entries) : ndjson(entries);
    }
  }
  return Readable.from(texts(), { objectMode: false });
}

function ndjson(entries: readonly DeadLetter[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}
