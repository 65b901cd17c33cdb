import { type Labels, validateOptions } from "@oppulence/worker-core";
import { z } from "zod";
import type { DeadLetter, DeadLetterState } from "./dead-letter.ts";

/** Which dead letters are meant. Conditions add up; none means every one. */
export interface DlqFilter {
  /** Ids of dead letters. */
  readonly ids?: readonly string[];
  /** Ids that the jobs had in the queue. */
  readonly jobIds?: readonly string[];
  /** Identifiers of tasks. */
  readonly task?: string | readonly string[];
  /** Of one cause. */
  readonly fingerprint?: string;
  /** `attempts_exhausted`, `invalid_payload`, … */
  readonly reason?: string;
  /** Part of the error's name or message, whatever the case. Reads row by row. */
  readonly error?: string;
  /** Labels that the job must all have carried. */
  readonly labels?: Labels;
  readonly state?: DeadLetterState;
  /** Moved at this instant or later. */
  readonly since?: Date;
  /** Moved before this instant. */
  readonly until?: Date;
}

/** What {@link DLQManager.list} takes. */
export interface DlqQuery extends DlqFilter {
  /** Most entries of a page: 1 to 1,000. @defaultValue `50` */
  readonly limit?: number;
  /** The `next` of the page before. @defaultValue from the newest on */
  readonly cursor?: string | undefined;
}

/** Which dead letters to act on: at least one of these, and what all of those given say. */
export interface DlqSelection {
  readonly ids?: readonly string[];
  /** `{}` means every one. */
  readonly filter?: DlqFilter;
  readonly fingerprint?: string;
}

/** What operations on many take besides. */
export interface DlqProgress {
  /** Told after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the operation between two batches; what is done stays done. */
  readonly signal?: AbortSignal;
}

/** What {@link DLQManager.reprocessDLQ} takes. */
export interface ReprocessInput extends DlqSelection, DlqProgress {
  /**
   * A new payload, or a function that makes one from the entry. It is checked against the task's schema, as
   * the old one is.
   * @defaultValue the entry's
   */
  readonly payload?: unknown | ((entry: DeadLetter) => unknown);
  /** @defaultValue the entry's */
  readonly priority?: number;
  /** @defaultValue now, later for a job that was reprocessed before: see `requeueBackoff` */
  readonly runAt?: Date;
  /** @defaultValue the entry's; attempts begin at 0 */
  readonly maxAttempts?: number;
  /** Checks and counts, and changes nothing. @defaultValue `false` */
  readonly dryRun?: boolean;
  /** Spreads the jobs evenly over this time, each with an instant of its own. @defaultValue all at once */
  readonly spreadOver?: number | string;
  /** Also those that have been reprocessed `maxRequeues` times. @defaultValue `false` */
  readonly force?: boolean;
}

/** What {@link DLQManager.discard} takes. */
export interface DiscardInput extends DlqSelection, DlqProgress {
  /** Counts, and changes nothing. @defaultValue `false` */
  readonly dryRun?: boolean;
}

const MAX_ID = 9_223_372_036_854_775_807n;
const id = z
  .string()
  .refine(
    (text) => /^\d{1,19}$/.test(text) && BigInt(text) <= MAX_ID,
    "expected an id, a whole number as text",
  );
const text = z
  .string()
  .min(1)
  .max(1_000)
  .refine(isStorable, "expected no NUL and no half of a surrogate pair");
const instant = z.date();

function isStorable(value: string): boolean {
  return !value.includes("\0") && value.isWellFormed();
}

const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "expected 16 hexadecimal digits, as groups() has them");

const filter = {
  ids: z.array(id).readonly().optional(),
  jobIds: z.array(id).readonly().optional(),
  task: z.union([text, z.array(text).readonly()]).optional(),
  fingerprint: fingerprint.optional(),
  reason: text.optional(),
  error: text.optional(),
  labels: z.record(text, z.string().refine(isStorable, "expected no NUL")).optional(),
  state: z.enum(["dead", "returned", "spent"]).optional(),
  since: instant.optional(),
  until: instant.optional(),
};

const filterSchema = z.strictObject(filter);
const querySchema = z.strictObject({
  ...filter,
  limit: z.int().min(1).max(1_000).default(50),
  cursor: z
    .string()
    .refine(
      (value) => /^\d{1,19}$/.test(value) && BigInt(value) <= MAX_ID,
      "expected the `next` of an earlier page",
    )
    .optional(),
});
const selection = {
  ids: z.array(id).readonly().optional(),
  filter: filterSchema.optional(),
  fingerprint: fingerprint.optional(),
  onProgress: z.custom((value) => typeof value === "function", "expected a function").optional(),
  signal: z.custom((value) => value instanceof AbortSignal, "expected an AbortSignal").optional(),
  dryRun: z.boolean().default(false),
};
const isDurationLike = (value: unknown) => typeof value === "number" || typeof value === "string";

const NOTHING_SELECTED =
  "needs at least one of ids, filter, fingerprint; filter: {} means every dead letter";
const isSelected = (input: DlqSelection) =>
  input.ids !== undefined || input.filter !== undefined || input.fingerprint !== undefined;

const discardSchema = z.strictObject(selection).refine(isSelected, NOTHING_SELECTED);
const reprocessSchema = z
  .strictObject({
    ...selection,
    payload: z.unknown().optional(),
    priority: z.int().min(-32_768).max(32_767).optional(),
    runAt: instant.optional(),
    maxAttempts: z.int().min(1).max(32_767).optional(),
    spreadOver: z.custom<number | string>(isDurationLike, "expected a duration").optional(),
    force: z.boolean().default(false),
  })
  .refine(isSelected, NOTHING_SELECTED);

/** @throws InvalidOptionsError saying what was got and what would be right */
export function readFilter(input: unknown, where: string): DlqFilter {
  return validateOptions(filterSchema as never, input, where) as DlqFilter;
}

/** @throws InvalidOptionsError */
export function readQuery(input: unknown, where: string): DlqQuery & { readonly limit: number } {
  return validateOptions(querySchema as never, input, where) as DlqQuery & { limit: number };
}

/** @throws InvalidOptionsError */
export function readDiscard(input: unknown, where: string): DiscardInput {
  return validateOptions(discardSchema as never, input, where) as DiscardInput;
}

/** @throws InvalidOptionsError */
export function readReprocess(input: unknown, where: string): ReprocessInput {
  return validateOptions(reprocessSchema as never, input, where) as ReprocessInput;
}

/** @throws InvalidOptionsError */
export function readId(input: unknown, where: string): string {
  return validateOptions(id as never, input, where) as string;
}

/** A selection as one list of filters, all of which hold. */
export function filtersOf({ ids, filter: given, fingerprint: cause }: DlqSelection): DlqFilter[] {
  return [
    ...(ids === undefined ? [] : [{ ids }]),
    ...(given === undefined ? [] : [given]),
    ...(cause === undefined ? [] : [{ fingerprint: cause }]),
  ];
}
