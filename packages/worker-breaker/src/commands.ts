import type { Command } from "@oppulence/worker-core";
import type { BreakerApi } from "./api.ts";
import { changeCommands } from "./commands-change.ts";
import { readCommands } from "./commands-read.ts";

/** `oppulence-worker breaker …`. */
export function breakerCommands(api: BreakerApi): Command[] {
  return [...readCommands(api), ...changeCommands(api)];
}
