import { messageOf, type TaskInfo } from "@oppulence/worker-core";

const MAX_ISSUES = 5;

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * What is wrong with a payload for a task.
 *
 * @returns one sentence; undefined when it fits, or the task has no schema
 */
export async function payloadProblem(
  task: TaskInfo,
  payload: unknown,
): Promise<string | undefined> {
  if (task.payload === undefined) return undefined;
  let issues: readonly Issue[] | undefined;
  try {
    ({ issues } = await task.payload["~standard"].validate(payload));
  } catch (error) {
    return `the schema of task ${JSON.stringify(task.identifier)} threw: ${messageOf(error)}`;
  }
  if (issues === undefined) return undefined;
  const texts = issues.slice(0, MAX_ISSUES).map(printIssue);
  const more = issues.length > MAX_ISSUES ? `, and ${issues.length - MAX_ISSUES} more` : "";
  return `the payload does not match the schema of task ${JSON.stringify(task.identifier)}: ${texts.join("; ")}${more}`;
}

function printIssue({ path = [], message }: Issue): string {
  const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
  return keys.length === 0 ? message : `${keys.join(".")}: ${message}`;
}
