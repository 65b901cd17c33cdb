import { messageOf } from "../errors.ts";
import { listIssues } from "../issues.ts";
import { isInvalidOptionsError } from "../validate.ts";

/** What an error about options or set-up says, one sentence a problem. */
export function sentencesOf(error: unknown): string[] {
  if (!isInvalidOptionsError(error)) return [messageOf(error)];
  return error.issues.map((issue) => listIssues(error.where, [issue]));
}
