import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { InterruptedError } from "../errors.ts";
import type { OutputStream } from "./output.ts";

/** A stream to read from: `process.stdin` and its like. */
export type InputStream = Readable & { readonly isTTY?: boolean };

/**
 * Asks yes or no. Everything but `y` and `yes` is no, the end of the input too.
 *
 * @throws InterruptedError on Ctrl-C, which a terminal that is read line by line does not send as a signal;
 * the signal's reason when it aborts
 */
export async function askYesNo(
  question: string,
  input: InputStream,
  output: OutputStream,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const terminal = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve, reject) => {
      terminal.once("SIGINT", () => {
        output.write("\n");
        reject(new InterruptedError("SIGINT"));
      });
      terminal.once("close", () => resolve(""));
    });
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}
