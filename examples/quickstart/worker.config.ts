import { startWithin } from "@oppulence/example-third-party-plugin";
import { defineConfig } from "@oppulence/worker-core";
import { countryGate } from "./src/plugins/country-gate.ts";
import { labelCountry } from "./src/plugins/label-country.ts";
import { importAirport } from "./src/tasks/import-airport.ts";
import { surveyCountry } from "./src/tasks/survey-country.ts";

/** What the demo's worker and the CLI both run; the database comes from `DATABASE_URL`. */
export default defineConfig({
  tasks: [importAirport, surveyCountry],
  plugins: [labelCountry(), startWithin(), countryGate()],
  worker: { concurrentJobs: 8, maxPoolSize: 12 },
});
