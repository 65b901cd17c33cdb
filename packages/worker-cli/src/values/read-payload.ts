import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { UsageError } from "../errors.ts";
import type { InputStream } from "../io/confirm.ts";
import { messageOf } from "../message-of.ts";

/**
 * A payload: JSON, `@file` for a file's content, `-` for standard input. Without one, an empty object, as
 * graphile-worker has it.
 *
 * @param given - the value of `--payload`
 * @throws UsageError for a file that cannot be read and for anything but JSON
 */
export async function readPayload(
  given: string | undefined,
  cwd: string,
  input: InputStream,
): Promise<unknown> {
  if (given === undefined) return {};
  const { text, where } = await textOf(given, cwd, input);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `${where} is not JSON: ${messageOf(error)}. A text needs its quotes: --payload '"text"'`,
      { cause: error },
    );
  }
}

async function textOf(given: string, cwd: string, input: InputStream) {
  if (given === "-") return { text: await readAll(input), where: "standard input" };
  if (!given.startsWith("@")) return { text: given, where: "--payload" };
  const file = given.slice(1);
  try {
    // Editors on Windows begin files with a mark that JSON does not know.
    const text = (await readFile(resolve(cwd, file), "utf8")).replace(/^\uFEFF/, "");
    return { text, where: file };
  } catch (error) {
    throw new UsageError(`--payload ${given}: ${messageOf(error)}`, { cause: error });
  }
}
