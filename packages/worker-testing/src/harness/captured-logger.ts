import { type LogFunctionFactory, Logger } from "graphile-worker";

/** One line that was logged. */
export interface LogEntry {
  readonly level: "error" | "warning" | "info" | "debug";
  readonly message: string;
  /** Whose line it is: graphile-worker's scope, such as `label`, `workerId`, `taskIdentifier`, `jobId`. */
  readonly scope: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/** A logger that writes nothing and keeps everything. */
export interface CapturedLogger {
  readonly logger: Logger;
  /** Oldest first; grows. */
  readonly entries: LogEntry[];
}

/** Makes a {@link CapturedLogger}. */
export function captureLogger(): CapturedLogger {
  const entries: LogEntry[] = [];
  const factory: LogFunctionFactory = (scope) => (level, message, meta) => {
    entries.push({ level: level as LogEntry["level"], message, scope: { ...scope }, meta });
  };
  return { logger: new Logger(factory), entries };
}
