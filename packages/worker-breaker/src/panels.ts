import type { Panel } from "@oppulence/worker-core";
import type { BreakerApi } from "./api.ts";

/** The admin UI's pages of circuits and of their transitions. */
export function breakerPanels(api: BreakerApi): Panel[] {
  return [
    {
      id: "circuits",
      title: "Circuits",
      load: async ({ limit }) => {
        const views = await api.list();
        const urgent = (state: string) => Number(state === "closed");
        return [...views]
          .sort((a, b) => urgent(a.state) - urgent(b.state))
          .slice(0, limit)
          .map((view) => ({ ...view }));
      },
    },
    {
      id: "circuit-transitions",
      title: "Transitions of circuits",
      load: async ({ limit }) => (await api.history({ limit })).map((each) => ({ ...each })),
    },
  ];
}
