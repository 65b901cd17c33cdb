import { cleanText } from "./clean-text.ts";

const MAX_JOBS = 1_000;
const MAX_EACH = 5;
const MAX_MESSAGE = 500;

/** The error of an attempt before the last one. */
export interface EarlierError {
  /** Which attempt; undefined where only the engine's last error is known. */
  readonly attempt: number | undefined;
  readonly message: string;
}

/**
 * Errors of attempts that failed in this process, by job: the engine keeps only the last one, and a write for
 * each failed attempt is not worth a history. Bounded: the last five of the thousand jobs that failed last.
 */
export class RecentErrors {
  readonly #byJob = new Map<string, EarlierError[]>();

  /** Number of jobs that are remembered. */
  get size(): number {
    return this.#byJob.size;
  }

  add(jobId: string, attempt: number, message: string): void {
    const errors = this.#byJob.get(jobId) ?? [];
    // Taken out and put back: a Map goes by insertion, so the first is the one not seen for longest.
    this.#byJob.delete(jobId);
    errors.push({ attempt, message: cleanText(message, MAX_MESSAGE) });
    if (errors.length > MAX_EACH) errors.shift();
    this.#byJob.set(jobId, errors);
    if (this.#byJob.size <= MAX_JOBS) return;
    for (const oldest of this.#byJob.keys()) {
      this.#byJob.delete(oldest);
      break;
    }
  }

  /** The job's errors, oldest first. They are forgotten. */
  take(jobId: string): readonly EarlierError[] {
    const errors = this.#byJob.get(jobId);
    if (errors === undefined) return [];
    this.#byJob.delete(jobId);
    return errors;
  }
}

/**
 * What is known of a job's earlier attempts: those seen here, and the engine's last error where that is
 * another one (the attempt before this ran elsewhere).
 *
 * @param seen - from {@link RecentErrors}
 * @param lastError - the row's `last_error` before this attempt
 */
export function earlierErrors(
  seen: readonly EarlierError[],
  lastError: string | null,
): readonly EarlierError[] {
  if (lastError === null || lastError === "") return seen;
  const message = cleanText(lastError, MAX_MESSAGE);
  if (seen.at(-1)?.message === message) return seen;
  return [...seen, { attempt: undefined, message }];
}
