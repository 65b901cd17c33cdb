import type { Violation } from "./check-invariants.ts";

const MAX_ROWS = 5;

/** The database is in a state that no sequence of crashes may lead to. */
export class InvariantError extends Error {
  readonly code = "INVARIANT_VIOLATED";
  override readonly name = "InvariantError";
  /** One entry for each invariant that does not hold. */
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[]) {
    super(violations.map(describe).join("\n"));
    this.violations = violations;
  }
}

/** Whether an error is an {@link InvariantError}, of whichever copy of the package. */
export function isInvariantError(error: unknown): error is InvariantError {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { code?: unknown }).code === "INVARIANT_VIOLATED"
  );
}

function describe({ name, about, rows }: Violation): string {
  const shown = rows.slice(0, MAX_ROWS).map((row) => `  ${JSON.stringify(row)}`);
  const more = rows.length > MAX_ROWS ? [`  and ${rows.length - MAX_ROWS} more`] : [];
  return [`${name} does not hold (${about}):`, ...shown, ...more].join("\n");
}
