import { type AnyTask, messageOf, type Schema } from "@oppulence/worker-core";
import { problemsOfRules, settingsOf } from "./check-rules.ts";
import type { ResolvedCronOptions, ResolvedDefinition } from "./options.ts";
import { problemOfPayload, toJson } from "./payload.ts";
import { fingerprintOf, type ScheduleSpec, specText } from "./schedule.ts";

/** A schedule of the code. */
export interface Registered {
  readonly spec: ScheduleSpec;
  /** Of the spec: equal for equal ones. */
  readonly text: string;
  readonly definition: ResolvedDefinition;
  /** Of its payload: its own, or that of the task that it names. */
  readonly schema: Schema<any, any> | undefined;
}

/** The schedules of the code, checked. */
export interface Registry {
  readonly schedules: ReadonlyMap<string, Registered>;
  /** Of all of them together. */
  readonly fingerprint: string;
  readonly version: number;
}

/** What a registry was found to be: problems by schedule, in order. */
export interface RegistryResult {
  readonly registry: Registry;
  readonly problems: readonly { readonly key: string; readonly problems: readonly string[] }[];
}

/** The identifier of the task that runs a schedule's handler. */
export function handlerTask(key: string): string {
  return `schedule:${key}`;
}

/** Checks the schedules of the code, all of them. */
export function createRegistry({ schedules, version }: ResolvedCronOptions): RegistryResult {
  const found = new Map<string, Registered>();
  const wrong: { key: string; problems: readonly string[] }[] = [];
  for (const [name, definition] of Object.entries(schedules)) {
    const problems = [
      ...(definition.key === name
        ? []
        : [`key: got ${JSON.stringify(definition.key)}; it is its name in the registry`]),
      ...problemsOfRules(name, definition),
      ...problemsOfWork(definition),
    ];
    const payload = problems.length === 0 ? readPayload(definition, problems) : null;
    if (problems.length > 0) wrong.push({ key: name, problems });
    else found.set(name, { ...register(definition, payload), definition });
  }
  const fingerprint = fingerprintOf([...found.values()].map(({ spec }) => spec));
  return { registry: { schedules: found, fingerprint, version }, problems: wrong };
}

function register(definition: ResolvedDefinition, payload: string | null) {
  const { key, cron, timezone, enabled, buildPayload } = definition;
  const spec: ScheduleSpec = {
    key,
    cron,
    timezone,
    enabled,
    task: taskOf(definition),
    payload,
    settings: settingsOf(definition, buildPayload !== undefined),
  };
  return { spec, text: specText(spec), schema: schemaOf(definition) };
}

function taskOf({ key, task }: ResolvedDefinition): string {
  if (task === undefined) return handlerTask(key);
  return typeof task === "string" ? task : task.identifier;
}

function schemaOf({ payloadSchema, task }: ResolvedDefinition): Schema<any, any> | undefined {
  if (payloadSchema !== undefined) return payloadSchema;
  return typeof task === "object" ? (task as AnyTask).payload : undefined;
}

function problemsOfWork(definition: ResolvedDefinition): string[] {
  const { handler, task, onSuccess, timeout, taskOptions, payload, buildPayload } = definition;
  const problems: string[] = [];
  if (handler === undefined && task === undefined)
    problems.push("handler: got none, and no task; a schedule has one of them");
  if (handler !== undefined && task !== undefined)
    problems.push("task: got one, and a handler; a schedule has one of them");
  if (payload !== undefined && buildPayload !== undefined)
    problems.push("buildPayload: got one, and a payload; a schedule has one of them");
  const unused = Object.entries({ onSuccess, timeout, taskOptions }).filter(
    ([, value]) => value !== undefined && handler === undefined,
  );
  return [...problems, ...unused.map(([name]) => `${name}: belongs to a handler; there is none`)];
}

/** The payload as JSON; null where it is built later. Adds what is wrong with it. */
function readPayload(definition: ResolvedDefinition, problems: string[]): string | null {
  const { payload, buildPayload } = definition;
  if (buildPayload !== undefined) return null;
  try {
    const json = toJson(payload);
    const problem = problemOfPayload(schemaOf(definition), JSON.parse(json));
    // An asynchronous schema is asked when the worker starts.
    if (problem instanceof Promise) problem.catch(() => {});
    else if (problem !== undefined)
      problems.push(`payload: ${payload === undefined ? "got none; " : ""}${problem}`);
    return json;
  } catch (error) {
    problems.push(`payload: ${messageOf(error)}`);
    return null;
  }
}
