import { stringify } from "csv-stringify/sync";
import type { DeadLetter } from "./dead-letter.ts";

/** Columns of a CSV export, in order. */
const COLUMNS = [
  "id",
  "jobId",
  "originId",
  "requeueCount",
  "task",
  "queueName",
  "jobKey",
  "priority",
  "attempts",
  "maxAttempts",
  "runAt",
  "createdAt",
  "failedAt",
  "deadAt",
  "reason",
  "errorName",
  "errorCode",
  "errorMessage",
  "fingerprint",
  "worker",
  "trace",
  "labels",
  "payload",
] as const;

type CsvRecord = { readonly [C in (typeof COLUMNS)[number]]: string | number | undefined };

/** The first line. */
export function csvHeader(): string {
  return stringify([[...COLUMNS]]);
}

/**
 * Entries as lines of CSV. A field that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`,
 * `@`, a tab or a carriage return, also as wide characters) gets a `'` before it; all texts are quoted.
 */
export function csvLines(entries: readonly DeadLetter[]): string {
  return stringify(entries.map(toRecord), {
    columns: [...COLUMNS],
    escape_formulas: true,
    quoted_string: true,
  });
}

function toRecord({ error, labels, payload, ...entry }: DeadLetter): CsvRecord {
  return {
    ...entry,
    runAt: entry.runAt.toISOString(),
    createdAt: entry.createdAt.toISOString(),
    failedAt: entry.failedAt.toISOString(),
    deadAt: entry.deadAt.toISOString(),
    errorName: error.name,
    errorCode: error.code,
    errorMessage: error.message,
    labels: Object.keys(labels).length === 0 ? undefined : JSON.stringify(labels),
    payload: JSON.stringify(payload),
  };
}
