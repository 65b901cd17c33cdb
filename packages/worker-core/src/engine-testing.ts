export { backdateCrontab } from "./engine/testing/backdate-crontab.ts";
export { inspectedTables, type Schemas } from "./engine/testing/inspected-tables.ts";
export { type ExpectedState, INVARIANT_STATEMENTS } from "./engine/testing/invariant-statements.ts";
