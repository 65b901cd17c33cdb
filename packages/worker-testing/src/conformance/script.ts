import { setImmediate as turn } from "node:timers/promises";
import { type AnyTask, defineTask, type Job } from "@oppulence/worker-core";
import type { ConformanceFixtures } from "./fixtures.ts";

/** The identifier of the suite's own task. */
const TASK = "conformance";

/** One run of the task. */
interface Run {
  readonly id: string;
  readonly payload: unknown;
  readonly attempts: number;
}

/** What the task does, and what it did. */
export interface Script {
  readonly runs: readonly Run[];
  readonly tasks: readonly AnyTask[];
  /** The task for a payload: one without a schema when the fixture's schema refuses it. */
  taskFor(payload: unknown): AnyTask;
  /** What the task does; may be changed at any time. @defaultValue it returns after a turn of the event loop */
  act: (payload: unknown, job: Job) => unknown;
}

/**
 * Makes the suite's tasks. Besides the fixture's own there is one with the same options and no schema: a
 * crontab adds `_cron` to the payload, and a batch is an array, which a schema may rightly refuse.
 */
export function createScript(fixtures: ConformanceFixtures): Script {
  const runs: Run[] = [];
  const run = (payload: unknown, { job }: { job: Job }) => {
    runs.push({ id: job.id, payload, attempts: job.attempts });
    return script.act(payload, job);
  };
  const given = fixtures.task;
  const task: AnyTask =
    given === undefined
      ? defineTask({ identifier: TASK, ...fixtures.taskOptions, run })
      : Object.freeze({ ...given, run });
  const loose: AnyTask = Object.freeze({
    ...task,
    identifier: `${task.identifier}_any`,
    payload: undefined,
  });
  const script: Script = {
    runs,
    tasks: task.payload === undefined ? [task] : [task, loose],
    taskFor: (payload) => (accepts(task, payload) ? task : loose),
    act: async () => {
      await turn();
    },
  };
  return script;
}

function accepts({ payload: schema }: AnyTask, payload: unknown): boolean {
  if (schema === undefined) return true;
  const result = schema["~standard"].validate(payload);
  // Schemas that take their time are taken to accept: the job itself will tell.
  return result instanceof Promise || !result.issues;
}
