import type { Logger } from "graphile-worker";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Stops on the first termination signal, then ends the process by it, as if it had not been caught. A
 * second signal ends the process at once.
 *
 * @returns a function that stops listening
 */
export function onTerminationSignal(stop: () => Promise<void>, logger: Logger): () => void {
  let asked = false;
  const handlers = SIGNALS.map((signal) => {
    const handler = () => {
      if (asked) {
        release();
        process.kill(process.pid, signal);
        return;
      }
      asked = true;
      logger.info(`received ${signal}: stopping; a second signal ends the process at once`);
      const end = () => {
        release();
        process.kill(process.pid, signal);
      };
      stop().then(end, end);
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  const release = () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  return () => {
    // While a signal is being obeyed, a second one must still be heard.
    if (!asked) release();
  };
}
