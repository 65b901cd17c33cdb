import { causesOf, readProperty } from "@oppulence/worker-core";

/** Whether an error, or one of its causes, has one of these names or codes. */
export function isNamed(error: unknown, names: readonly string[]): boolean {
  return causesOf(error).some((each) =>
    [readProperty(each, "code"), readProperty(each, "name")].some(
      (got) => typeof got === "string" && names.includes(got),
    ),
  );
}

/**
 * What went wrong, one error each: the entries of a batch job's `AggregateError`, or the error itself.
 *
 * graphile-worker's batch jobs fail with one `AggregateError` for all entries that failed.
 */
export function partsOf(error: unknown): readonly unknown[] {
  if (readProperty(error, "name") !== "AggregateError") return [error];
  const errors = readProperty(error, "errors");
  return Array.isArray(errors) && errors.length > 0 ? errors : [error];
}
