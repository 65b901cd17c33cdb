import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Problem } from "./check.ts";
import { exec } from "./repo.ts";

const TSC = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));

/**
 * Type-checks one project.
 *
 * @returns its problems, and the files it covers, both relative to the root.
 */
export const tsc = async (
  root: string,
  project: string,
  ...options: string[]
): Promise<{ problems: Problem[]; files: string[] }> => {
  const args = ["-p", project, "--noEmit", "--pretty", "false", "--listFiles", ...options];
  const { code, stdout, stderr } = await exec(root, process.execPath, TSC, ...args);
  const problems: Problem[] = [];
  const files: string[] = [];
  for (const text of stdout.split("\n")) {
    const error = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/.exec(text);
    if (error) {
      const [, file = "", line, message = ""] = error;
      problems.push({ file: relative(root, resolve(root, file)), line: Number(line), message });
    } else if (/^error TS\d+/.test(text)) problems.push({ file: project, message: text });
    else if (isAbsolute(text)) files.push(relative(root, text));
    // A message that goes on: TypeScript indents its reasons.
    else if (text.startsWith(" ") && problems.length > 0) {
      const last = problems[problems.length - 1] as Problem;
      problems[problems.length - 1] = { ...last, message: `${last.message}\n  ${text}` };
    }
  }
  if (code !== 0 && problems.length === 0) {
    problems.push({ file: project, message: `tsc ended with code ${code}: ${stdout}${stderr}` });
  }
  return { problems, files };
};
