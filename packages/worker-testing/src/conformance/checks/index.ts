import type { Check } from "../check.ts";
import { aloneChecks } from "./alone.ts";
import { hookErrorChecks } from "./hook-errors.ts";
import { killChecks } from "./kills.ts";
import { lifecycleChecks } from "./lifecycle.ts";
import { migrationChecks } from "./migrations.ts";
import { neighbourChecks } from "./neighbours.ts";
import { permitChecks } from "./permits.ts";
import { producerChecks } from "./producers.ts";
import { raceChecks } from "./races.ts";
import { shapeChecks } from "./shape.ts";
import { stopChecks } from "./stops.ts";

/** Everything that is asked of a plugin, in the order in which it is best understood. */
export const CHECKS: readonly Check[] = [
  ...shapeChecks,
  ...migrationChecks,
  ...aloneChecks,
  ...lifecycleChecks,
  ...neighbourChecks,
  ...producerChecks,
  ...stopChecks,
  ...permitChecks,
  ...hookErrorChecks,
  ...raceChecks,
  ...killChecks,
];
