import type { Events, Query } from "@oppulence/worker-core";

/** Jobs that were held back at least once, by the plugin that did. */
export interface Held {
  readonly byLimiter: number;
  readonly byBreaker: number;
}

/** Sees which jobs of a task are held back. */
export interface HeldJobs {
  /** Looks at the jobs that are left. @returns how many those are */
  look(): Promise<number>;
  held(): Held;
  /** Ends it. */
  close(): void;
}

/** A short wait for calls that are under way, with the circuit closed: not for the dependency. */
const NOT_DOWN = "TOO_MANY_UNDER_WAY";

/**
 * Counts the jobs that plugins hold back. One that was claimed and sent back is told of by an event; one that was
 * lined up or parked as it waited has a note in the database as long as it does, so {@link HeldJobs.look} has to be
 * called more often than that.
 */
export function watchHeld(query: Query, events: Events, task: string): HeldJobs {
  const seen = { rateLimit: new Set<string>(), breaker: new Set<string>() };
  const add = (id: string, { plugin, code }: Omit<Note, "id">) => {
    if (code === NOT_DOWN) return;
    if (plugin === "rateLimit" || plugin === "breaker") seen[plugin].add(id);
  };
  const close = events.on("job:deferred", ({ job, reason }) => {
    if (job.task_identifier === task) add(job.id, reason);
  });
  return {
    async look() {
      const notes = await query<Note>(NOTES, [task]);
      for (const { id, ...note } of notes) add(id, note);
      return notes.length;
    },
    held: () => ({ byLimiter: seen.rateLimit.size, byBreaker: seen.breaker.size }),
    close,
  };
}

interface Note {
  readonly id: string;
  readonly plugin: string | null;
  readonly code: string | null;
}

const NOTES = `
select jobs.id::text as id, notes.plugin, notes.code
from graphile_worker.jobs left join oppulence_worker.core_notes as notes on notes.job_id = jobs.id
where jobs.task_identifier = $1`;
