import { fromFlags } from "@oppulence/worker-core";
import type { Job } from "graphile-worker";

type Flags = Job["flags"];

/** The labels among a row's flags. */
export function labelsOf(flags: Flags): Readonly<Record<string, string>> {
  return { ...fromFlags(flags as Record<string, true> | null) };
}

/** The flags that are not labels. */
export function plainFlagsOf(flags: Flags): string[] {
  const labels = Object.entries(labelsOf(flags)).map(([name, value]) => `${name}=${value}`);
  return Object.keys(flags ?? {}).filter((flag) => !labels.includes(flag));
}
