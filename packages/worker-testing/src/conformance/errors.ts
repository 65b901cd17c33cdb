/** A plugin does not do what the contract asks of it. */
export class ConformanceError extends Error {
  readonly code = "NOT_CONFORMING";
  override readonly name = "ConformanceError";
}

/** Whether an error is a {@link ConformanceError}, of whichever copy of the package. */
export function isConformanceError(error: unknown): error is ConformanceError {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { code?: unknown }).code === "NOT_CONFORMING"
  );
}

/**
 * Fails a check unless a condition holds.
 *
 * @param problem - what was found and what would be right
 * @throws {@link ConformanceError}
 */
export function check(holds: boolean, problem: () => string): asserts holds {
  if (!holds) throw new ConformanceError(problem());
}
