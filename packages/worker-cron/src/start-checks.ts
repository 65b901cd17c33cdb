import { didYouMean, type PluginHost } from "@oppulence/worker-core";
import { InvalidScheduleError } from "./errors.ts";
import { cancellerOf } from "./parts.ts";
import { problemOfPayload } from "./payload.ts";
import type { Registry } from "./registry.ts";

/** Schedules that name tasks which are not there, or need a plugin that is not. */
function problemsOfTasks(host: PluginHost<unknown>, { schedules }: Registry): string[] {
  const problems: string[] = [];
  for (const [key, { spec, definition }] of schedules) {
    const tell = (problem: string) =>
      problems.push(new InvalidScheduleError(key, [problem]).message);
    if (definition.handler === undefined && !host.tasks.has(spec.task))
      tell(
        `task: got ${JSON.stringify(spec.task)}, which this worker does not have${didYouMean(spec.task, host.tasks.keys())}`,
      );
    if (spec.settings.overlap === "cancelRunning" && cancellerOf(host) === undefined)
      tell('overlap: "cancelRunning" needs the plugin retry: install @oppulence/worker-retry');
  }
  return problems;
}

/** The same, and payloads that the schemas of named tasks, or asynchronous ones, refuse. */
export async function problemsAtStart(
  host: PluginHost<unknown>,
  registry: Registry,
): Promise<string[]> {
  const problems = problemsOfTasks(host, registry);
  for (const [key, { spec, schema }] of registry.schedules) {
    if (spec.payload === null) continue;
    const asked = schema ?? host.tasks.get(spec.task)?.payload;
    const pending = problemOfPayload(asked, JSON.parse(spec.payload));
    const problem = pending instanceof Promise ? await pending : pending;
    if (problem !== undefined)
      problems.push(new InvalidScheduleError(key, [`payload: ${problem}`]).message);
  }
  return problems;
}
