import type { Panel, PluginHost } from "@oppulence/worker-core";
import type { Parts } from "./parts.ts";

/** The admin UI's pages of schedules and of the ledger. */
export function schedulePanels(
  { schedules, ledger }: Pick<Parts, "schedules" | "ledger">,
  { query }: Pick<PluginHost<unknown>, "query">,
): Panel[] {
  return [
    {
      id: "schedules",
      title: "Schedules",
      load: async ({ limit }: { readonly limit: number }) =>
        (await schedules.list()).slice(0, limit).map((view) => ({ ...view })),
    },
    {
      id: "schedule-history",
      title: "Slots",
      load: async ({ limit }: { readonly limit: number }) =>
        (await ledger.history(query, { limit })).map((event) => ({ ...event })),
    },
  ];
}
