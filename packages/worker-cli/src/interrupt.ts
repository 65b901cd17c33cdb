/** How long a command that is told to stop may take to do so by itself. */
const GRACE_MS = 2_000;

/**
 * Runs a command that a signal can end. Commands may watch the signal and end tidily; one that does not, or
 * that waits for a database which does not answer, is left after two seconds.
 *
 * @throws the signal's reason when it aborts before the command has ended
 */
export async function interruptible<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {};
  let timer: NodeJS.Timeout | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), GRACE_MS);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([run(), interrupted]);
  } catch (error) {
    // Whatever it says of being stopped, being stopped is the reason.
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
