import { hasCode } from "../error-chain.ts";
import { listIssues } from "../issues.ts";
import type { OptionIssue } from "../validate.ts";

/** The config overlay (its file, or an environment variable) cannot be used. */
export class InvalidOverlayError extends Error {
  readonly code = "INVALID_OVERLAY";
  override readonly name = "InvalidOverlayError";
  /** Every problem found, with the place in the file or the variable it comes from. */
  readonly issues: readonly OptionIssue[];

  constructor(issues: readonly OptionIssue[], options?: ErrorOptions) {
    super(listIssues("config overlay", issues.map(withOrigin)), options);
    this.issues = issues;
  }
}

function withOrigin(issue: OptionIssue): OptionIssue {
  return issue.origin === undefined
    ? issue
    : { ...issue, message: `${issue.message} (from ${issue.origin})` };
}

/** Whether an error is an {@link InvalidOverlayError}, of whichever copy of the package. */
export function isInvalidOverlayError(error: unknown): error is InvalidOverlayError {
  return hasCode(error, "INVALID_OVERLAY");
}
