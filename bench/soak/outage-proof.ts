import type { Query } from "@oppulence/worker-core";
import type { Seen } from "./outage-server.ts";
import { DEPENDENCY } from "./outage-worker.ts";

/** How soon each process has to know of an opening. */
/** On a machine that does other things as well, such as CI's, the quick size asks for less. */
export const LEARN_WITHIN_MS = { quick: 1_000, full: 250 };

/** How soon processes knew of openings that others had made. */
export interface Learning {
  readonly openings: number;
  readonly medianMs: number;
  readonly longestMs: number;
}

/** Of each opening that nobody forced: who else has to learn of it, and when they first knew it or a later state. */
const LEARNING = `
with opening as (
  select transition.generation, transition.at, made.pid as maker
  from oppulence_worker.breaker_transitions as transition
  left join made using (generation)
  where transition.dependency = $1 and transition.to_state = 'open' and transition.actor is null
)
select opening.generation::int as generation, process.pid,
  extract(epoch from (
    select min(learnt.at) from learnt
    where learnt.pid = process.pid and learnt.generation >= opening.generation
  ) - opening.at)::float8 * 1000 as ms
from opening
join unnest($2::int[]) as process(pid) on process.pid is distinct from opening.maker`;

interface LearningRow {
  readonly generation: number;
  readonly pid: number;
  /** Null: it never learnt. */
  readonly ms: number | null;
}

/** Measures how soon processes learn of openings by failing calls, from the instant that is stored with each. */
export async function proveLearning(
  query: Query,
  pids: readonly number[],
  withinMs: number,
): Promise<{ readonly learning: Learning; readonly violations: string[] }> {
  const rows = await query<LearningRow>(LEARNING, [DEPENDENCY, pids]);
  const late = rows.filter(({ ms }) => ms === null || ms > withinMs);
  const took = rows.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
  const openings = new Set(rows.map(({ generation }) => generation)).size;
  const violations = late.map(
    ({ generation, pid, ms }) =>
      `process ${pid} learnt of opening ${generation} ${ms === null ? "never" : `after ${Math.round(ms)} ms`}, not within ${withinMs} ms`,
  );
  if (openings === 0) violations.push("no opening was there to learn of");
  return {
    learning: {
      openings,
      medianMs: round(took[Math.floor(took.length / 2)]),
      longestMs: round(took.at(-1)),
    },
    violations,
  };
}

/**
 * Proves from what the dependency saw that each job was answered once, last, and that its attempts are exactly the
 * calls that it made: what it waited for the circuit cost none.
 */
export function proveAttempts(calls: readonly Seen[], jobs: readonly string[]): string[] {
  const byJob = new Map<string, Seen[]>(jobs.map((id) => [id, []]));
  for (const call of calls) byJob.get(call.job)?.push(call);
  const violations: string[] = [];
  for (const [job, seen] of byJob) {
    const attempts = seen.map(({ attempt }) => attempt);
    const isWhole = seen.length > 0 && attempts.every((attempt, n) => attempt === n + 1);
    const isDone = seen.filter(({ answered }) => answered).length === 1 && seen.at(-1)?.answered;
    if (!isWhole || !isDone) violations.push(`job ${job} made the calls ${JSON.stringify(seen)}`);
  }
  return violations.slice(0, 20);
}

function round(ms = Number.NaN): number {
  return Math.round(ms * 10) / 10;
}
