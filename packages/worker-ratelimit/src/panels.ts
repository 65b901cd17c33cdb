import type { Panel } from "@oppulence/worker-core";
import type { LimitsApi } from "./limits-api.ts";

/** The admin UI's page of limiters: those with the longest lines first. */
export function limitsPanels(limits: LimitsApi): Panel[] {
  return [
    {
      id: "limits",
      title: "Limits",
      load: async ({ limit }) =>
        [...(await limits.list())]
          .sort((a, b) => b.waiting - a.waiting || b.utilization - a.utilization)
          .slice(0, limit)
          .map((view) => ({ ...view })),
    },
  ];
}
