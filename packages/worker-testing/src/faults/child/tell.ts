import { writeSync } from "node:fs";
import { type ChildMessage, MESSAGE_FD } from "./protocol.ts";

/** Tells the parent something, at once: a kill right after this does not lose it. */
export function tell(message: ChildMessage): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  let written = 0;
  while (written < line.length) {
    try {
      written += writeSync(MESSAGE_FD, line, written);
    } catch (error) {
      // The pipe is full and the parent busy; waiting is what a blocking write would do.
      if ((error as { code?: unknown }).code !== "EAGAIN") throw error;
    }
  }
}
