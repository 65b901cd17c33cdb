import type { Clock, Command } from "@oppulence/worker-core";
import { changeCommands } from "./commands-change.ts";
import { readCommands } from "./commands-read.ts";
import type { DLQManager } from "./manager.ts";

/** `oppulence-worker dlq …`. */
export function dlqCommands(manager: DLQManager, clock: Pick<Clock, "now">): Command[] {
  const now = () => clock.now();
  return [...readCommands(manager, now), ...changeCommands(manager, now)];
}
