import { addLabels, definePlugin } from "@oppulence/worker-core";

/** The label that says which country a job is about. */
export const COUNTRY = "country";

/** Labels every job whose payload names a country. Jobs that SQL adds bring their own label, or have none. */
export function labelCountry() {
  return definePlugin({
    name: "labelCountry",
    producers: "not-covered",
    setup: () => ({
      beforeEnqueue: {
        phase: "shape",
        onError: "open",
        run: ({ spec }) => {
          const country = countryOf(spec.payload);
          return country === undefined ? undefined : addLabels({ [COUNTRY]: country });
        },
      },
    }),
  });
}

function countryOf(payload: unknown): string | undefined {
  if (typeof payload !== "object" || payload === null || !("country" in payload)) return undefined;
  return typeof payload.country === "string" ? payload.country : undefined;
}
