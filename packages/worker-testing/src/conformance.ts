export { ConformanceError, isConformanceError } from "./conformance/errors.ts";
export type {
  ConformanceFixtures,
  FixtureContext,
  Stop,
  StopScenario,
} from "./conformance/fixtures.ts";
export {
  type ConformanceOptions,
  type ConformanceResult,
  runConformance,
} from "./conformance/run-conformance.ts";
export { testPlugin } from "./conformance/test-plugin.ts";
