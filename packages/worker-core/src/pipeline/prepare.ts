import { hasBrand } from "../contract/brand.ts";
import type { EnqueueResult, JobSpec, Labels } from "../contract/job.ts";
import type { AnyTask, JobInput, TaskInfo } from "../contract/task.ts";
import type { InsertItem } from "../engine/insert.ts";
import { InvalidJobError, InvalidPayloadError, messageOf, UnknownTaskError } from "../errors.ts";
import { checkLabels } from "../labels.ts";
import { plainInfo } from "../plain-tasks.ts";
import { printValue } from "../print-value.ts";
import { assertKnownKeys, formatIssues, type PayloadResult, validatePayload } from "../validate.ts";
import { isStorableDate } from "./check-decision.ts";
import { isPromise } from "./hook.ts";

const NO_LABELS: Labels = Object.freeze({});
const JOB_OPTIONS = [
  "queueName",
  "runAt",
  "maxAttempts",
  "jobKey",
  "jobKeyMode",
  "priority",
  "labels",
  "flags",
];
const JOB_KEYS = ["task", "payload", ...JOB_OPTIONS];
const KNOWN = new Set(JOB_KEYS);
const KEY_MODES = ["replace", "preserve_run_at", "unsafe_dedupe"];

/** A job on its way in, while hooks may still change it. */
export class Prepared {
  spec: JobSpec;
  readonly info: TaskInfo;
  /** At the start of messages: which job of the batch. */
  readonly where: string;
  dropped: Extract<EnqueueResult, { status: "dropped" }> | undefined;

  constructor(spec: JobSpec, info: TaskInfo, where: string) {
    this.spec = spec;
    this.info = info;
    this.where = where;
  }

  /** The payload as JSON text. */
  json(): string {
    const { payload, identifier } = this.spec;
    let text: string | undefined;
    try {
      text = JSON.stringify(payload);
    } catch (error) {
      throw new InvalidPayloadError(
        identifier,
        `it cannot be written as JSON: ${messageOf(error)}`,
        this.where,
      );
    }
    if (text !== undefined) return text;
    if (payload === undefined) return "{}";
    throw new InvalidPayloadError(
      identifier,
      `it cannot be written as JSON: got a ${typeof payload}`,
      this.where,
    );
  }
}

/**
 * Resolves tasks, completes specs with the tasks' defaults, and checks ranges and payloads, before anything
 * is written.
 *
 * @param single - whether messages name the job's index
 */
export function prepareJobs(
  jobs: readonly JobInput<AnyTask | string>[],
  tasks: ReadonlyMap<string, AnyTask>,
  plainTasks: ReadonlyMap<string, unknown>,
  single: boolean,
): Prepared[] | Promise<Prepared[]> {
  if (!Array.isArray(jobs))
    throw new InvalidJobError(`addJobs got ${typeof jobs}; it takes an array of { task, payload }`);
  const prepared: Prepared[] = new Array(jobs.length);
  let pending: Promise<void>[] | undefined;
  for (let index = 0; index < jobs.length; index++) {
    const one = prepareJob(
      jobs[index] as JobInput<AnyTask | string>,
      tasks,
      plainTasks,
      single ? "" : `jobs[${index}]: `,
    );
    prepared[index] = one;
    const schema = one.info.payload;
    if (schema === undefined) continue;
    const result = validatePayload(schema, one.spec.payload);
    if (isPromise(result)) {
      pending ??= [];
      pending.push(result.then((settled) => assertPayload(one, settled)));
    } else {
      assertPayload(one, result);
    }
  }
  return pending === undefined ? prepared : Promise.all(pending).then(() => prepared);
}

function assertPayload({ spec, where }: Prepared, result: PayloadResult<unknown>): void {
  if (!result.ok)
    throw new InvalidPayloadError(spec.identifier, formatIssues(result.issues), where);
}

function assertJobKeys(job: JobInput<AnyTask | string>, where: string): void {
  if (where === "") {
    const { task: _t, payload: _p, ...options } = job;
    assertKnownKeys(options, [...JOB_OPTIONS, "client"], "addJob");
  } else {
    assertKnownKeys(job, JOB_KEYS, where.slice(0, -2));
  }
}

function prepareJob(
  job: JobInput<AnyTask | string>,
  tasks: ReadonlyMap<string, AnyTask>,
  plainTasks: ReadonlyMap<string, unknown>,
  where: string,
): Prepared {
  if (typeof job !== "object" || job === null)
    throw new InvalidJobError(`${where}got ${printValue(job)}; a job is { task, payload }`);
  for (const key in job) if (!KNOWN.has(key)) assertJobKeys(job, where);
  const info = resolveTask(job.task, tasks, plainTasks, where);
  const defaults = info.spec;
  const spec: JobSpec = {
    identifier: info.identifier,
    payload: job.payload,
    queueName: job.queueName ?? defaults?.queueName,
    runAt: job.runAt,
    maxAttempts: job.maxAttempts ?? defaults?.maxAttempts,
    jobKey: job.jobKey,
    jobKeyMode: job.jobKeyMode,
    priority: job.priority ?? defaults?.priority,
    labels:
      defaults?.labels === undefined
        ? (job.labels ?? NO_LABELS)
        : { ...defaults.labels, ...job.labels },
    flags: job.flags ?? defaults?.flags,
  };
  checkSpec(spec, where);
  return new Prepared(spec, info, where);
}

function resolveTask(
  task: AnyTask | string,
  tasks: ReadonlyMap<string, AnyTask>,
  plainTasks: ReadonlyMap<string, unknown>,
  where: string,
): TaskInfo {
  const identifier =
    typeof task === "string"
      ? task
      : hasBrand(task, "task")
        ? (task as AnyTask).identifier
        : String(task);
  const known = tasks.get(identifier);
  if (known !== undefined) return known;
  if (plainTasks.has(identifier)) return plainInfo(identifier);
  throw new UnknownTaskError(identifier, [...tasks.keys(), ...plainTasks.keys()], where);
}

/**
 * Checks the fields that the database would refuse, or quietly cut.
 *
 * @throws InvalidJobError naming the field, what was got and what would be right
 */
export function checkSpec(spec: JobSpec, where: string): void {
  const problem = specProblem(spec);
  if (problem !== undefined) throw new InvalidJobError(`${where}${problem}`);
}

function specProblem(spec: JobSpec): string | undefined {
  const { priority, maxAttempts, jobKey, jobKeyMode, queueName, runAt, labels, flags } = spec;
  if (priority !== undefined && !isIntegerIn(priority, -32_768, 32_767)) {
    return `priority got ${printValue(priority)}; it is an integer from -32768 to 32767`;
  }
  if (maxAttempts !== undefined && !isIntegerIn(maxAttempts, 1, 32_767)) {
    return `maxAttempts got ${printValue(maxAttempts)}; it is an integer from 1 to 32767`;
  }
  if (jobKey !== undefined && !isText(jobKey, 512))
    return `jobKey got ${printValue(jobKey)}; it is a string of 1 to 512 characters`;
  if (jobKeyMode !== undefined && !KEY_MODES.includes(jobKeyMode)) {
    return `jobKeyMode got ${printValue(jobKeyMode)}; it is one of ${KEY_MODES.join(", ")}`;
  }
  if (queueName !== undefined && !isText(queueName, 128)) {
    return `queueName got ${printValue(queueName)}; it is a string of 1 to 128 characters`;
  }
  if (runAt !== undefined && !isStorableDate(runAt)) {
    return `runAt got ${printValue(runAt)}; it is a valid Date of the years 1 to 9999`;
  }
  if (flags !== undefined && !(Array.isArray(flags) && flags.every((flag) => isText(flag, 512)))) {
    return `flags got ${printValue(flags)}; it is an array of strings of 1 to 512 characters`;
  }
  return labels === NO_LABELS ? undefined : checkLabels(labels);
}

function isIntegerIn(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isText(value: unknown, longest: number): boolean {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= longest &&
    !value.includes("\0") &&
    // PostgreSQL takes no half of a character.
    value.isWellFormed()
  );
}

/**
 * Refuses a batch that has one job key twice: the engine adds a batch in one statement, which cannot
 * replace a job that it has itself just added.
 */
export function checkKeys(items: readonly InsertItem[]): void {
  const keys = new Set<string>();
  for (const { spec } of items) {
    if (spec.jobKey === undefined) continue;
    if (keys.has(spec.jobKey)) {
      throw new InvalidJobError(
        `job key ${printValue(spec.jobKey)} occurs twice in one addJobs; a key may occur once: keep the job that is meant to win`,
      );
    }
    keys.add(spec.jobKey);
  }
}
