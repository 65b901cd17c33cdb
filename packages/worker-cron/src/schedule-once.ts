import type {
  AnyTask,
  EnqueueResult,
  InputOf,
  PayloadInputOf,
  PluginHost,
  Schema,
  Transaction,
} from "@oppulence/worker-core";
import type { ScheduledJobDefinition } from "./definition.ts";
import { InvalidScheduleError } from "./errors.ts";
import { problemOfPayload } from "./payload.ts";
import { handlerTask } from "./registry.ts";

/** How `scheduleOnce` adds its job. */
export interface ScheduleOnceOptions {
  /** @defaultValue now */
  readonly runAt?: Date;
  readonly priority?: number;
  /** Replaces a job with the same key that waits. */
  readonly jobKey?: string;
  /** Add it in this transaction of the caller's. */
  readonly client?: Transaction;
}

/** The payload of a schedule, or of the task that it names. */
export type PayloadOfSchedule<D> = D extends { readonly payloadSchema?: infer S }
  ? [Exclude<S, undefined>] extends [never]
    ? PayloadOfTask<D>
    : InputOf<Exclude<S, undefined>>
  : unknown;

type PayloadOfTask<D> = D extends { readonly task: infer T extends AnyTask }
  ? PayloadInputOf<T>
  : unknown;

/** Clocks of hosts differ a little; whoever says "now" means it. */
const TOLERANCE_MS = 60_000;
const LONGEST_MS = 10 * 366 * 86_400_000;

/**
 * Adds one run of a schedule's work, outside of its slots. The payload is checked against the same schema.
 *
 * @throws InvalidScheduleError for a time that is past, more than ten years ahead or none, and for a payload
 * that the schema refuses; what `addJob` throws
 */
export async function scheduleOnce<
  TSchema extends Schema<any, any> | undefined,
  D extends ScheduledJobDefinition<TSchema, any>,
>(
  host: Pick<PluginHost<unknown>, "addJob" | "clock">,
  definition: D,
  payload: unknown,
  { runAt, priority, jobKey, client }: ScheduleOnceOptions = {},
): Promise<EnqueueResult> {
  const { key, task, payloadSchema } = definition;
  const problem = problemOfTime(runAt, host.clock.now());
  if (problem !== undefined) throw new InvalidScheduleError(key, [`runAt: ${problem}`]);
  const wrong = await problemOfPayload(payloadSchema, payload);
  if (wrong !== undefined) throw new InvalidScheduleError(key, [`payload: ${wrong}`]);
  const { maxAttempts, queueName, labels } = definition;
  return host.addJob((task as string | undefined) ?? handlerTask(key), payload, {
    runAt,
    priority: priority ?? definition.priority,
    jobKey,
    client,
    maxAttempts,
    queueName,
    labels,
  });
}

function problemOfTime(runAt: Date | undefined, now: number): string | undefined {
  if (runAt === undefined) return undefined;
  const time = runAt instanceof Date ? runAt.getTime() : Number.NaN;
  if (Number.isNaN(time)) return "got no valid Date; it is an instant to come";
  const got = runAt.toISOString();
  if (time < now - TOLERANCE_MS) return `got ${got}, which is past; leave it out to run now`;
  if (time > now + LONGEST_MS)
    return `got ${got}, more than ten years ahead; is it seconds taken for milliseconds?`;
  return undefined;
}
