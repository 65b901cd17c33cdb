import type { Command } from "@oppulence/worker-core";
import type { SagaApi } from "./api.ts";
import { changeCommands } from "./commands-change.ts";
import { readCommands } from "./commands-read.ts";

/** `workflow list`, `show`, `graph`, `start`, `signal`, `cancel`, `resume`, `skip`, `redrive`. */
export function sagaCommands(api: SagaApi): Command[] {
  return [...readCommands(api), ...changeCommands(api)];
}
