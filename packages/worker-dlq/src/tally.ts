/** An entry that was not reprocessed, and why. */
export interface Refusal {
  /** The dead letter's. */
  readonly id: string;
  readonly jobId: string | undefined;
  readonly task: string | undefined;
  /**
   * `UNKNOWN_TASK`, `INVALID_PAYLOAD`, `PAYLOAD_REDACTED`, `REQUEUES_SPENT`, `JOB_KEY_EXISTS`, `NOT_FOUND`,
   * or the code with which a plugin kept the job out.
   */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
}

/** What became of dead letters that were to be reprocessed. */
export interface ReprocessResult {
  /** Entries that the selection means. */
  readonly matched: number;
  /** New jobs; with `dryRun`, those that there would be. */
  readonly requeued: number;
  /** Entries that were not reprocessed, ids that were not found included. */
  readonly refused: number;
  /** Why, for the first 1,000 of them. */
  readonly refusals: readonly Refusal[];
  /** Which job came of which entry, for the first 1,000; none with `dryRun`. */
  readonly jobs: readonly { readonly id: string; readonly newJobId: string }[];
  readonly dryRun: boolean;
}

/** Details that are kept: an operation may be on millions. */
const MAX_DETAILS = 1_000;

/** Whether what was planned for an entry is that it stays. */
export function isRefusal(one: object): one is Refusal {
  return "code" in one;
}

/** Counts what becomes of entries, with the details of the first ones. */
export class Tally {
  readonly #matched: number;
  readonly #refusals: Refusal[] = [];
  readonly #jobs: { id: string; newJobId: string }[] = [];
  /** Ids that were asked for and not met yet. */
  readonly #open: Set<string>;
  #requeued = 0;
  #refused = 0;

  /**
   * @param matched - how many entries the selection means
   * @param ids - those that it names
   */
  constructor(matched: number, ids: readonly string[] = []) {
    this.#matched = matched;
    this.#open = new Set(ids.map((id) => BigInt(id).toString()));
  }

  /** How many entries were dealt with. */
  get done(): number {
    return this.#requeued + this.#refused;
  }

  refuse(refusal: Refusal): void {
    this.#refused++;
    if (this.#refusals.length < MAX_DETAILS) this.#refusals.push(refusal);
    this.#open.delete(refusal.id);
  }

  /** @param newJobId - undefined in a dry run */
  requeued(id: string, newJobId: string | undefined): void {
    this.#requeued++;
    if (newJobId !== undefined && this.#jobs.length < MAX_DETAILS)
      this.#jobs.push({ id, newJobId });
    this.#open.delete(id);
  }

  result(dryRun: boolean): ReprocessResult {
    const message =
      "there is no such dead letter, it does not match the filter, or somebody else acts on it now";
    for (const id of [...this.#open])
      this.refuse({ id, jobId: undefined, task: undefined, code: "NOT_FOUND", message });
    return {
      matched: this.#matched,
      requeued: this.#requeued,
      refused: this.#refused,
      refusals: this.#refusals,
      jobs: this.#jobs,
      dryRun,
    };
  }
}
