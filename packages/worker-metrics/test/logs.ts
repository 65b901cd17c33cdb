import { Logger } from "graphile-worker";

/** A logger that prints nothing and keeps what it is told. */
export function keepingLogger(): {
  readonly logger: Logger;
  readonly lines: { readonly level: string; readonly message: string }[];
} {
  const lines: { level: string; message: string }[] = [];
  const logger = new Logger(() => (level, message) => void lines.push({ level, message }));
  return { logger, lines };
}

/** A logger that prints nothing. */
export const quiet: Logger = keepingLogger().logger;
