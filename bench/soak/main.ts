import { parseArgs } from "node:util";
import { crashes } from "./crashes.ts";
import { dlq } from "./dlq.ts";
import { kills } from "./kills.ts";
import { limits } from "./limits.ts";
import { outage } from "./outage.ts";
import { recovery } from "./recovery.ts";
import { schedules } from "./schedules.ts";
import { signals } from "./signals.ts";
import { workflows } from "./workflows.ts";

/** A long run that ends with a proof. */
export interface Soak {
  readonly about: string;
  /** @returns the figures, and what was wrong: nothing, if all is well */
  readonly run: (quick: boolean, progress: (text: string) => void) => Promise<SoakResult>;
}

/** What a soak found out. */
export interface SoakResult {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly violations: readonly string[];
}

const SOAKS: Readonly<Record<string, Soak>> = {
  crashes,
  dlq,
  kills,
  limits,
  outage,
  recovery,
  schedules,
  signals,
  workflows,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [name = ""] = positionals;
const soak = SOAKS[name];
if (soak === undefined) {
  console.error(
    [
      name === ""
        ? "usage: npm run soak -- <name> [--quick] [--json]"
        : `no soak is called ${JSON.stringify(name)}`,
      ...Object.entries(SOAKS).map(([key, { about }]) => `  ${key.padEnd(10)} ${about}`),
    ].join("\n"),
  );
  process.exit(2);
}

const started = performance.now();
const { figures, violations } = await soak.run(values.quick, (text) => console.error(text));
const seconds = Math.round((performance.now() - started) / 100) / 10;
if (values.json)
  console.log(JSON.stringify({ soak: name, quick: values.quick, seconds, figures, violations }));
else {
  for (const [key, value] of Object.entries({ ...figures, seconds }))
    console.log(`${key.padEnd(36)} ${value}`);
  for (const violation of violations) console.log(`WRONG: ${violation}`);
  console.log(violations.length === 0 ? "all invariants hold" : `${violations.length} violations`);
}
process.exit(violations.length === 0 ? 0 : 1);
