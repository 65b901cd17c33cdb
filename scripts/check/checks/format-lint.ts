import type { Check, Problem } from "../check.ts";
import { exec } from "../repo.ts";

/** One line of biome's concise report: `× file[:line:column]: rule: message`, `!` for a warning. */
const DIAGNOSTIC = /^[×!] (?<file>.+?)(?::(?<line>\d+):\d+)?: (?<rule>[\w/]+): (?<text>.*)$/;

export const check: Check = {
  name: "format-lint",
  about: "every file is formatted and free of lint, warnings included (biome)",
  async run(root) {
    const report = ["--colors=off", "--reporter=concise", "--max-diagnostics=none"];
    const args = ["ci", "--error-on-warnings", "--diagnostic-level=warn", ...report, "."];
    const { code, stdout, stderr } = await exec(root, "biome", ...args);
    if (code === 0) return [];
    const problems: Problem[] = (stdout + stderr).split("\n").flatMap((text) => {
      const { file, line, rule, text: message } = DIAGNOSTIC.exec(text)?.groups ?? {};
      return file
        ? [{ file, line: line ? Number(line) : undefined, message: `${rule}: ${message}` }]
        : [];
    });
    // Biome failed without a diagnostic: its own words say why (a broken configuration, say).
    return problems.length > 0
      ? problems
      : [{ file: "biome.json", message: `biome ended with code ${code}: ${stderr}${stdout}` }];
  },
};
