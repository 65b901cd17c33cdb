import type { Command } from "@oppulence/worker-core";
import { changeCommands } from "./commands-change.ts";
import { readCommands } from "./commands-read.ts";
import type { LimitsApi } from "./limits-api.ts";

/** `oppulence-worker limits …`. */
export function limitsCommands(api: LimitsApi): Command[] {
  return [...readCommands(api), ...changeCommands(api)];
}
