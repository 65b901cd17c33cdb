import { type JobInput, messageOf, type TaskInfo } from "@oppulence/worker-core";
import { type RequeueBackoff, requeueDelay, spreadDelay } from "./backoff.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { ReprocessInput } from "./filter.ts";
import { payloadProblem } from "./payload-problem.ts";
import { provenanceOf } from "./provenance.ts";
import type { Refusal } from "./tally.ts";

/** What all entries of one reprocessing share. */
export interface Plan {
  readonly input: ReprocessInput;
  /** When the first job is due: the time that was given, or the database's when the call began. */
  readonly from: Date;
  readonly spreadMs: number;
  readonly total: number;
  readonly tasks: ReadonlyMap<string, TaskInfo>;
  readonly maxRequeues: number;
  readonly backoff: RequeueBackoff;
}

/** An entry on its way back. */
export interface Planned {
  readonly entry: DeadLetter;
  readonly job: JobInput<string>;
}

/**
 * Says of each entry which job comes of it, or why none does.
 *
 * @param first - number of the first entry among all of the call
 */
export async function planJobs(
  entries: readonly DeadLetter[],
  plan: Plan,
  first: number,
): Promise<(Planned | Refusal)[]> {
  const keys = new Set<string>();
  const planned: (Planned | Refusal)[] = [];
  for (const [index, entry] of entries.entries()) {
    const made = problemOf(entry, plan) ?? (await planOne(entry, plan, first + index));
    const { jobKey } = entry;
    if ("job" in made && jobKey !== undefined) {
      // The pipeline refuses a batch that has a key twice.
      planned.push(keys.has(jobKey) ? refuse(entry, "JOB_KEY_EXISTS", sameKey(jobKey)) : made);
      keys.add(jobKey);
    } else planned.push(made);
  }
  return planned;
}

/** The refusal of an entry. */
export function refuse({ id, jobId, task }: DeadLetter, code: string, message: string): Refusal {
  return { id, jobId, task, code, message };
}

const sameKey = (key: string) =>
  `another of these dead letters has the key ${JSON.stringify(key)} too`;

/** What can be told without its payload. */
function problemOf(entry: DeadLetter, { input, tasks, maxRequeues }: Plan): Refusal | undefined {
  const { task, requeueCount, redacted } = entry;
  if (!tasks.has(task)) {
    const message = `no task ${JSON.stringify(task)} is known here: add it to tasks, or discard the entry`;
    return refuse(entry, "UNKNOWN_TASK", message);
  }
  if (input.force !== true && requeueCount >= maxRequeues) {
    const message = `it was reprocessed ${requeueCount} times and maxRequeues is ${maxRequeues}: say force to do it again`;
    return refuse(entry, "REQUEUES_SPENT", message);
  }
  if (redacted.length > 0 && input.payload === undefined) {
    const message = `its payload was redacted (${redacted.join(", ")}): give a payload`;
    return refuse(entry, "PAYLOAD_REDACTED", message);
  }
  return undefined;
}

async function planOne(entry: DeadLetter, plan: Plan, index: number): Promise<Planned | Refusal> {
  let payload: unknown;
  try {
    payload = await payloadOf(entry, plan.input.payload);
  } catch (error) {
    return refuse(entry, "INVALID_PAYLOAD", `the payload function threw: ${messageOf(error)}`);
  }
  const problem = await payloadProblem(plan.tasks.get(entry.task) as TaskInfo, payload);
  if (problem !== undefined) return refuse(entry, "INVALID_PAYLOAD", problem);
  return { entry, job: jobOf(entry, payload, plan, index) };
}

function payloadOf(entry: DeadLetter, given: unknown): unknown {
  if (given === undefined) return entry.payload;
  return typeof given === "function" ? (given as (entry: DeadLetter) => unknown)(entry) : given;
}

function jobOf(
  entry: DeadLetter,
  payload: unknown,
  { input, from, spreadMs, total, backoff }: Plan,
  index: number,
): JobInput<string> {
  const isTimed = input.runAt !== undefined;
  const delay =
    (isTimed ? 0 : requeueDelay(entry.requeueCount, backoff)) + spreadDelay(index, total, spreadMs);
  return {
    task: entry.task,
    payload,
    queueName: entry.queueName,
    jobKey: entry.jobKey,
    // A live job with the key is left as it is, and told of.
    jobKeyMode: entry.jobKey === undefined ? undefined : "unsafe_dedupe",
    priority: input.priority ?? entry.priority,
    // Without a delay the time is the database's own.
    runAt: isTimed || delay > 0 ? new Date(from.getTime() + delay) : undefined,
    maxAttempts: input.maxAttempts ?? entry.maxAttempts,
    ...provenanceOf(entry),
  };
}
