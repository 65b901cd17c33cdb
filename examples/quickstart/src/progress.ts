import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration, type Query } from "@oppulence/worker-core";

const BAR_WIDTH = 28;
/** Between two looks at the database. */
const LOOK_MS = { terminal: 200, log: 500 };
/** Where the progress is no bar: between two lines. */
const LINE_MS = 2_000;

/** How far the demo is, read in one statement from tables that anybody may read. */
interface Progress {
  readonly written: number;
  readonly failed: number;
  /** Rows that are still to be staged, and jobs that are still to run or to be moved to the dead letters. */
  readonly left: number;
}

async function readProgress(query: Query): Promise<Progress> {
  const [progress] = await query<Progress>(`
select (select count(*)::int from demo.airports) as written,
  (select count(*)::int from oppulence_worker.graphile_worker_dlq) as failed,
  (select count(*)::int from demo.deliveries) + count(*)::int as left
from graphile_worker.jobs where task_identifier not like 'schedule:%'`);
  return progress as Progress;
}

/**
 * Shows on standard error how far the work is until no job is left: a bar on a terminal, a line every two
 * seconds elsewhere.
 *
 * @param total - number of airports
 * @param signal - ends it early
 */
export async function followProgress(
  query: Query,
  total: number,
  signal: AbortSignal,
): Promise<void> {
  const out = process.stderr;
  const started = performance.now();
  let printed = started;
  while (!signal.aborted) {
    const progress = await readProgress(query);
    const elapsed = performance.now() - started;
    const text = describe(progress, total, elapsed);
    if (out.isTTY)
      out.write(`\r\x1b[2K${bar((progress.written + progress.failed) / total)} ${text}`);
    else if (performance.now() - printed >= LINE_MS || progress.left === 0) {
      out.write(`${text}\n`);
      printed = performance.now();
    }
    if (progress.left === 0) break;
    await sleep(out.isTTY ? LOOK_MS.terminal : LOOK_MS.log, undefined, { signal }).catch(() => {});
  }
  if (out.isTTY) out.write("\n");
}

function bar(done: number): string {
  const full = Math.round(Math.min(1, done) * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}

function describe({ written, failed, left }: Progress, total: number, elapsedMs: number): string {
  const done = (written + failed).toLocaleString("en");
  const parts = [
    `${done} of ${total.toLocaleString("en")} airports`,
    `${failed} failed`,
    `${left.toLocaleString("en")} left`,
    formatDuration(elapsedMs),
  ];
  return parts.join(" · ");
}
