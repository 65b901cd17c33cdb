import { type Duration, isDuration } from "@oppulence/worker-core";
import { z } from "zod";
import type { DeadLetter } from "./dead-letter.ts";

/** What an {@link ArchiveHook} and a {@link DeadLetterHandler} are given besides. */
export interface HookContext {
  /** Aborts when the time is up, or the worker stops. */
  readonly signal: AbortSignal;
}

/**
 * Stores dead letters elsewhere before they are deleted (retention, discard, clear). At least once: a crash
 * after it and before the deletion has it called again.
 *
 * @param entries - up to 100, of one task; they are deleted once it resolves, and stay when it rejects or is
 * not done within `archiveTimeout`
 */
export type ArchiveHook = (
  entries: readonly DeadLetter[],
  context: HookContext,
) => void | Promise<void>;

/**
 * Told of a job that became a dead letter, once that is committed. At most once, and never able to lose the
 * entry: what it throws is logged and counted.
 */
export type DeadLetterHandler = (entry: DeadLetter, context: HookContext) => void | Promise<void>;

/** How long dead letters are kept. What goes is archived first, where there is an archive hook. */
export interface Retention {
  /** Since the job became a dead letter. @defaultValue for ever */
  readonly ttl?: Duration;
  /** Most entries of a task; the oldest go. @defaultValue any number */
  readonly cap?: number;
}

/** What happens to the dead letters of a task. */
export interface DlqPolicy {
  /** False leaves failed jobs in the queue. @defaultValue `true` */
  readonly enabled?: boolean;
  /**
   * Retries before the job becomes a dead letter, if that is fewer than its `maxAttempts` leaves it: 0 is
   * one attempt.
   * @defaultValue as many as `maxAttempts` allows
   */
  readonly maxRetries?: number;
  readonly retention?: Retention;
  /** Runs before dead letters are deleted. @defaultValue none */
  readonly archive?: ArchiveHook;
  /**
   * Paths of the payload whose values are replaced before it is stored: `"payload.card.number"`, with `*` for
   * every key or entry. Such an entry can be reprocessed with a new payload only.
   * @defaultValue none
   */
  readonly redact?: readonly string[];
  /** Told of each new dead letter. @defaultValue none */
  readonly onDeadLetter?: DeadLetterHandler | readonly DeadLetterHandler[];
}

/** How long a job that is reprocessed again and again waits each time. */
export interface RequeueBackoffOptions {
  /** The second time it is reprocessed; the first time it does not wait. @defaultValue `"30s"` */
  readonly base?: Duration;
  /** @defaultValue `2` */
  readonly factor?: number;
  /** @defaultValue `"1h"` */
  readonly max?: Duration;
}

/** What {@link dlq} takes: the policy of every task that has none of its own, and how the plugin works. */
export interface DlqOptions extends DlqPolicy {
  /** How often a job is reprocessed unless forced. @defaultValue `3` */
  readonly maxRequeues?: number;
  readonly requeueBackoff?: RequeueBackoffOptions;
  /**
   * How often a worker looks for failed jobs that no hook saw, and applies the retention; a fifth more or
   * less, at random.
   * @defaultValue `"10s"`
   */
  readonly reconcileInterval?: Duration;
  /**
   * Whether failed jobs of tasks that this worker does not have are moved too, by the default policy.
   * False where another worker of the same database has policies of its own.
   * @defaultValue `true`
   */
  readonly unknownTasks?: boolean;
  /** How long one call of the archive hook may take. @defaultValue `"30s"` */
  readonly archiveTimeout?: Duration;
  /** How long one call of a handler may take. @defaultValue `"10s"` */
  readonly handlerTimeout?: Duration;
  /** How old `dlq_size` and `dlq_age_seconds` may be; false: they are not sampled. @defaultValue `"15s"` */
  readonly sampleInterval?: Duration | false;
}

/** The value of the task option `dlq`: true, false, or a policy of the task's own. */
export type DlqTaskOption = boolean | DlqPolicy;

const duration = z.custom<Duration>(
  isDuration,
  'expected a duration: a number of milliseconds, or a string such as "30s"',
);
const callable = <F>(what: string) =>
  z.custom<F>((value) => typeof value === "function", `expected ${what}, set in code`);
const handler = callable<DeadLetterHandler>("a function (entry, { signal }) => …");
const REDACT_PATH = /^payload(?:\.[^.]+)*$/;

const policy = {
  enabled: z.boolean().optional(),
  maxRetries: z.int().min(0).max(32_766).optional(),
  retention: z
    .strictObject({ ttl: duration.optional(), cap: z.int().min(0).max(100_000_000).optional() })
    .optional(),
  archive: callable<ArchiveHook>("a function (entries, { signal }) => …").optional(),
  redact: z
    .array(
      z
        .string()
        .regex(REDACT_PATH, 'expected a path from the payload on, such as "payload.card.number"'),
    )
    .readonly()
    .optional(),
  onDeadLetter: z.union([handler, z.array(handler).readonly()]).optional(),
};

/** Checks {@link DlqTaskOption}. */
export const dlqTaskOption = z.union([z.boolean(), z.strictObject(policy)]);

/** Checks and completes {@link DlqOptions}. */
export const dlqOptions = z.strictObject({
  ...policy,
  maxRequeues: z.int().min(0).max(1_000_000).default(3),
  requeueBackoff: z
    .strictObject({
      base: duration.default("30s"),
      factor: z.number().min(1).max(100).default(2),
      max: duration.default("1h"),
    })
    .prefault({}),
  reconcileInterval: duration.default("10s"),
  unknownTasks: z.boolean().default(true),
  archiveTimeout: duration.default("30s"),
  handlerTimeout: duration.default("10s"),
  sampleInterval: z
    .custom<Duration | false>(
      (value) => value === false || isDuration(value),
      'expected false, or a duration such as "15s"',
    )
    .default("15s"),
});

/** {@link DlqOptions} with nothing left out but the policy. */
export type ResolvedDlqOptions = z.output<typeof dlqOptions>;
