import type { CommandDefinition } from "../definition.ts";
import { checkCommand } from "./check.ts";
import { addCommand } from "./jobs/add.ts";
import { cancelCommand } from "./jobs/cancel.ts";
import { explainCommand } from "./jobs/explain.ts";
import { listCommand } from "./jobs/list.ts";
import { rescheduleCommand } from "./jobs/reschedule.ts";
import { retryCommand } from "./jobs/retry.ts";
import { showCommand } from "./jobs/show.ts";
import { migrateCommand } from "./migrate.ts";
import { pluginsCommand } from "./plugins.ts";
import { runCommand } from "./run.ts";

/** Every command that does not come from a plugin, in the order of the help. */
export const BUILT_IN_COMMANDS: readonly CommandDefinition[] = [
  runCommand,
  migrateCommand,
  checkCommand(() => BUILT_IN_COMMANDS),
  pluginsCommand,
  listCommand,
  showCommand,
  explainCommand,
  retryCommand,
  cancelCommand,
  rescheduleCommand,
  addCommand,
];
