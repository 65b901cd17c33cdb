import { checkConfig } from "../check/check-config.ts";
import type { CommandDefinition } from "../definition.ts";
import { isConfigFailedError, isInvalidConfigError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { CliIo } from "../io/command-io.ts";
import { redact } from "../redact.ts";

/** What `check` tells. */
interface Verdict {
  readonly ok: boolean;
  /** The config's path; null when it could not be loaded. */
  readonly config: string | null;
  readonly problems: readonly string[];
  readonly plugins: readonly string[];
  readonly tasks: readonly string[];
}

/**
 * `check`: everything that can be known before a deploy.
 *
 * @param builtIn - the built-in commands, whose names plugins may not take; asked when it runs
 */
export function checkCommand(builtIn: () => readonly CommandDefinition[]): CommandDefinition {
  return {
    name: "check",
    description:
      "check the config without a database: options, overlay, plugin order, tasks, crontab, SQL files, packages; names every problem",
    examples: ["check", "check --json | jq -r '.problems[]'"],
    async run({ io, session }) {
      let verdict: Verdict;
      try {
        const { options, label } = await session.config();
        const { env, connection, logger, cwd } = session.input;
        const found = await checkConfig(options, {
          env,
          connection,
          logger,
          cwd,
          builtIn: builtIn(),
        });
        verdict = { ok: found.problems.length === 0, config: label, ...found };
      } catch (error) {
        verdict = unloadable(error);
      }
      // What a config throws may hold anything, and JSON is printed as it is.
      const { secrets } = session.input;
      const problems = verdict.problems.map((problem) => redact(problem, secrets));
      tell({ ...verdict, problems }, io);
      return verdict.ok ? EXIT.ok : EXIT.failed;
    },
  };
}

/** A config that cannot be loaded is what the check is there to find; one that is not there is a wrong call. */
function unloadable(error: unknown): Verdict {
  if (!isConfigFailedError(error) && !isInvalidConfigError(error)) throw error;
  return { ok: false, config: null, problems: [error.message], plugins: [], tasks: [] };
}

function tell(verdict: Verdict, io: CliIo): void {
  if (io.json) {
    io.data(verdict);
    return;
  }
  const { ok, config, problems, plugins, tasks } = verdict;
  for (const problem of problems) io.line(`- ${problem}`);
  if (ok) {
    io.line(`${config}: ok, ${count(tasks, "task")}, plugins: ${plugins.join(", ") || "none"}`);
  } else io.line(count(problems, "problem"));
}

function count({ length }: readonly unknown[], thing: string): string {
  return `${length} ${thing}${length === 1 ? "" : "s"}`;
}
