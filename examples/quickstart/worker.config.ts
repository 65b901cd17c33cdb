import { startWithin } from "@oppulence/example-third-party-plugin";
import { circuitBreaker } from "@oppulence/worker-breaker";
import { defineConfig } from "@oppulence/worker-core";
import { cron } from "@oppulence/worker-cron";
import { dlq } from "@oppulence/worker-dlq";
import { metrics } from "@oppulence/worker-metrics";
import { rateLimit } from "@oppulence/worker-ratelimit";
import { recovery } from "@oppulence/worker-recovery";
import { retries } from "@oppulence/worker-retry";
import { saga } from "@oppulence/worker-saga";
import { ALMANAC_BREAKER, ALMANAC_LIMITER } from "./src/almanac-guards.ts";
import { coalesce } from "./src/plugins/coalesce.ts";
import { countryGate } from "./src/plugins/country-gate.ts";
import { labelCountry } from "./src/plugins/label-country.ts";
import { stageAirports } from "./src/schedules/stage-airports.ts";
import { fetchDaylight } from "./src/tasks/fetch-daylight.ts";
import { importAirport } from "./src/tasks/import-airport.ts";
import { surveyCountry } from "./src/tasks/survey-country.ts";
import { supply } from "./src/workflows/supply.ts";

/** What the demo's worker and the CLI both run; the database comes from `DATABASE_URL`. */
export default defineConfig({
  tasks: [importAirport, surveyCountry, fetchDaylight],
  // Port 0 takes a free one: the demo never fails because something else listens.
  plugins: [
    metrics({ port: 0 }),
    labelCountry(),
    coalesce(),
    startWithin(),
    countryGate(),
    cron({ schedules: [stageAirports] }),
    retries({ maxAttempts: 5 }),
    recovery(),
    rateLimit({ limiters: { almanac: ALMANAC_LIMITER } }),
    circuitBreaker({ dependencies: { almanac: ALMANAC_BREAKER } }),
    dlq(),
    saga({ workflows: [supply] }),
  ],
  worker: { concurrentJobs: 8, maxPoolSize: 12, localQueue: { size: 200 } },
});
