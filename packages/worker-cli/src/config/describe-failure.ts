import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../message-of.ts";

const PACKAGE = /Cannot find (?:package|module) '((?:@[\w.-]+\/)?[a-z0-9][\w.-]*)(?:\/[^']*)?'/;
const PATH_IN_STACK = /\(?((?:file:\/\/)?\/[^\s()]+?|[A-Za-z]:\\[^()]+?):(\d+):(\d+)\)?$/;

/**
 * Says why a config could not be loaded, on one line: what, where, and for a package what to do.
 *
 * @param label - the config file as messages name it
 * @param cwd - what paths are relative to
 */
export function describeFailure(error: unknown, file: string, label: string, cwd: string): string {
  const what = firstLine(messageOf(error));
  const [, missing] = PACKAGE.exec(what) ?? [];
  if (missing !== undefined && isModuleNotFound(error)) {
    return `${label} needs the package ${missing}, which is not installed: npm install ${missing}`;
  }
  const where = placeOf(error, cwd);
  return `${label} could not be loaded: ${what.replaceAll(file, label)}${where === undefined ? "" : ` (${where})`}`;
}

function isModuleNotFound(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.trim() || message;
}

/** The first place in the user's own files that the stack names. */
function placeOf(error: unknown, cwd: string): string | undefined {
  const stack = (error as { stack?: unknown } | null | undefined)?.stack;
  if (typeof stack !== "string") return undefined;
  for (const line of stack.split("\n")) {
    const [, path, row, column] = PATH_IN_STACK.exec(line.trim()) ?? [];
    if (path === undefined || /[/\\]node_modules[/\\]/.test(path)) continue;
    const file = path.startsWith("file:") ? fileURLToPath(path) : path;
    return `${relative(cwd, file)}:${row}:${column}`;
  }
  return undefined;
}
