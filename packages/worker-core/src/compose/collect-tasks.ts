import { hasBrand } from "../contract/brand.ts";
import type { JobSpec } from "../contract/job.ts";
import type { AnyTask } from "../contract/task.ts";
import { checkSpec } from "../pipeline/prepare.ts";
import { sentencesOf } from "../problems.ts";
import { assertKnownKeys } from "../validate.ts";
import { describeValue } from "./describe-value.ts";

const MAX_IDENTIFIER = 128;
const SPEC_KEYS = ["queueName", "maxAttempts", "priority", "labels", "flags"];

/** A task and who brought it. */
export interface FoundTask {
  readonly task: AnyTask;
  /** `tasks`, or `plugin saga`. */
  readonly from: string;
}

/**
 * Puts tasks into a map by identifier, and checks each.
 *
 * @param problems - one sentence each is added
 */
export function collectTasks(
  all: readonly FoundTask[],
  tasks: Map<string, AnyTask>,
  problems: string[],
): void {
  const origins = new Map<string, string>();
  for (const { task, from } of all) {
    if (!hasBrand(task, "task")) {
      problems.push(
        `${from} holds ${describeValue(task)}; a task is what defineTask returns (plain graphile-worker functions go into taskList)`,
      );
      continue;
    }
    const { identifier } = task;
    if (!isIdentifier(identifier)) {
      problems.push(
        `${from} holds a task with the identifier ${JSON.stringify(identifier)}; it is 1 to ${MAX_IDENTIFIER} characters`,
      );
    } else if (origins.has(identifier)) {
      problems.push(
        origins.get(identifier) === from
          ? `task ${JSON.stringify(identifier)} is defined twice in ${from}`
          : `task ${JSON.stringify(identifier)} is defined twice: in ${origins.get(identifier)} and in ${from}`,
      );
    } else {
      origins.set(identifier, from);
      tasks.set(identifier, task);
      problems.push(...problemsOf(task));
    }
  }
}

function isIdentifier(identifier: unknown): boolean {
  return (
    typeof identifier === "string" && identifier.length > 0 && identifier.length <= MAX_IDENTIFIER
  );
}

function problemsOf({ identifier, payload, run, spec }: AnyTask): string[] {
  const where = `task ${JSON.stringify(identifier)}`;
  const problems: string[] = [];
  if (payload !== undefined && !isSchema(payload))
    problems.push(
      `${where}: payload got ${describeValue(payload)}; it is a Standard Schema, such as z.object({ … })`,
    );
  if (run !== undefined && typeof run !== "function")
    problems.push(`${where}: run got ${describeValue(run)}; it is a function (payload, context)`);
  try {
    if (spec !== undefined) {
      assertKnownKeys(spec, SPEC_KEYS, `${where}, spec`);
      checkSpec({ ...spec, labels: spec.labels ?? {} } as JobSpec, `${where}, spec: `);
    }
  } catch (error) {
    problems.push(...sentencesOf(error));
  }
  return problems;
}

/** Some vendors' schemas are functions. */
function isSchema(payload: unknown): boolean {
  if ((typeof payload !== "object" && typeof payload !== "function") || payload === null)
    return false;
  const standard: unknown = (payload as { "~standard"?: unknown })["~standard"];
  return typeof (standard as { validate?: unknown } | undefined)?.validate === "function";
}
