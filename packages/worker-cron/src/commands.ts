import type { Clock, Command } from "@oppulence/worker-core";
import type { CronApi } from "./api.ts";
import { changeCommands } from "./commands-change.ts";
import { readCommands } from "./commands-read.ts";

/** `oppulence-worker schedule …`. */
export function scheduleCommands(api: CronApi, clock: Pick<Clock, "now">): Command[] {
  return [...readCommands(api, () => clock.now()), ...changeCommands(api)];
}
