/** What went wrong with a child process or a fault point. */
export type FaultErrorCode =
  /** The point's name is not one that there is; the message says what would be right. */
  | "UNKNOWN_POINT"
  /** The child ended, or had nothing left to do, before it came to the point. */
  | "POINT_NOT_REACHED"
  /** The child could not start its worker: the module, its config, or the database. */
  | "CHILD_FAILED"
  /** The child did not do in time what was waited for. */
  | "CHILD_TIMEOUT";

/** Every failure of {@link killAt} and {@link spawnWorker}. Tell them apart by `code`. */
export class FaultError extends Error {
  override readonly name = "FaultError";
  readonly code: FaultErrorCode;

  constructor(code: FaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether an error is a {@link FaultError}, of the given code if one is given, of whichever copy of the package. */
export function isFaultError(error: unknown, code?: FaultErrorCode): error is FaultError {
  return (
    error instanceof Error &&
    error.name === "FaultError" &&
    (code === undefined || (error as FaultError).code === code)
  );
}
