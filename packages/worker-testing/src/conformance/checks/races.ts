import { until } from "../../harness/until.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { onStage } from "../stage.ts";
import { assertNoLeaks } from "./leaks.ts";

const DEFAULT_RACES = 200;
/** How much longer than one job all of them together may take. */
const PATIENCE = 3;

/** Checks of two workers at once. */
export const raceChecks: readonly Check[] = [
  {
    name: "races: two workers run every job exactly once",
    cells: "all",
    run: (subject, cell) =>
      onStage(subject, { cell, busy: true }, (first) =>
        onStage(subject, { cell, busy: true, database: first.harness.database }, async (second) => {
          const races = subject.fixtures.races ?? DEFAULT_RACES;
          const task = first.script.taskFor(first.payload());
          const jobs = Array.from({ length: races }, () => ({
            ...first.options(),
            task,
            payload: first.payload() as never,
          }));
          const results = await first.harness.worker.addJobs(jobs);
          const ids = results.flatMap((result) => (result.status === "added" ? [result.id] : []));
          const { engine } = first.harness.worker;
          const isOver = await until(
            async () => {
              const left = await engine.peek({ tasks: [task.identifier], limit: 1 });
              return left.length === 0 ? true : undefined;
            },
            { timeoutMs: subject.timeoutMs * PATIENCE, onChange: first.harness.onChange },
          );
          check(isOver === true, () => "not all jobs ended");
          const runs = [...first.script.runs, ...second.script.runs].map(({ id }) => id);
          const missing = ids.filter((id) => !runs.includes(id));
          const repeated = runs.filter((id, index) => runs.indexOf(id) !== index);
          check(missing.length === 0, () => `${missing.length} of ${ids.length} jobs never ran`);
          check(repeated.length === 0, () => `jobs ran more than once: ${repeated.join(", ")}`);
          await assertNoLeaks(first, `after ${ids.length} jobs`);
        }),
      ),
  },
];
