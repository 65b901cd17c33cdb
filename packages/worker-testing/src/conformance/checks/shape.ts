import {
  type AnyPlugin,
  CONTRACT_VERSION,
  checkConfig,
  type Duration,
  formatDuration,
  messageOf,
  parseDuration,
} from "@oppulence/worker-core";
import { captureLogger } from "../../harness/captured-logger.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { createScript } from "../script.ts";
import type { Subject } from "../subject.ts";
import { misspell, optionNames } from "./option-names.ts";

const POLICIES = ["enforced-at-run", "enforced-in-sql", "not-covered"];
const LONGEST_HOOK_MS = 60_000;
const NONSENSE = "notAnOptionOfAnyPlugin";

/** Checks that need no database. */
export const shapeChecks: readonly Check[] = [
  {
    name: "shape: can be put together",
    run: async (subject) => {
      const { problem } = subject;
      check(problem === undefined, () => `the plugin cannot be put together: ${problem}`);
      const problems = await problemsOf(subject, subject.make());
      check(problems.length === 0, () => `checkConfig finds: ${problems.join("; ")}`);
    },
  },
  {
    name: "shape: says its name, its contract version and what happens to jobs of other producers",
    run: async ({ make }) => {
      const { name, contract, producers } = make();
      check(name.length > 0 && name !== "core", () => `its name is ${JSON.stringify(name)}`);
      check(
        contract === CONTRACT_VERSION,
        () =>
          `it speaks contract version ${contract}; this core speaks version ${CONTRACT_VERSION}`,
      );
      check(
        POLICIES.includes(producers),
        () => `producers is ${JSON.stringify(producers)}; it is one of ${POLICIES.join(", ")}`,
      );
    },
  },
  {
    name: "shape: refuses options that it does not know",
    run: async (subject) => {
      await refuses(subject, NONSENSE);
      for (const known of optionNames(subject.make())) {
        const message = await refuses(subject, misspell(known));
        check(
          message.includes(`did you mean ${JSON.stringify(known)}`),
          () =>
            `the option ${JSON.stringify(misspell(known))} should be answered with: did you mean ${JSON.stringify(known)}? It was: ${message}`,
        );
      }
    },
  },
  {
    name: "shape: bounds the time that its hooks may take",
    run: async ({ hooks }) => {
      for (const [name, hook] of Object.entries(hooks)) {
        const timeout: Duration | undefined = hook?.timeout;
        if (timeout === undefined) continue;
        const ms = parseDuration(timeout, `${name}, timeout`);
        check(
          ms <= LONGEST_HOOK_MS,
          () =>
            `its ${name} hook may take ${formatDuration(ms)}; while it hangs, its job and the job's queue hang with it: at most ${formatDuration(LONGEST_HOOK_MS)}`,
        );
      }
    },
  },
];

function problemsOf({ fixtures }: Subject, plugin: AnyPlugin): Promise<readonly string[]> {
  return checkConfig({
    plugins: [...(fixtures.with?.() ?? []), plugin],
    tasks: [...createScript(fixtures).tasks, ...(fixtures.tasks ?? [])],
    logger: captureLogger().logger,
    config: false,
  });
}

/** Gives the plugin an option more, and returns what is said of it. */
async function refuses(subject: Subject, option: string): Promise<string> {
  const plugin = subject.make();
  const options = { ...(plugin.options as object | undefined), [option]: true };
  const problems = await problemsOf(subject, Object.freeze({ ...plugin, options })).catch(
    (error: unknown) => [messageOf(error)],
  );
  const said = problems.find((problem) => problem.includes(option));
  check(
    said !== undefined,
    () =>
      `it takes the option ${JSON.stringify(option)}, which it does not know, without a word: make its options a strict object`,
  );
  return said;
}
