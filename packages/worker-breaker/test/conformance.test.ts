import { testPlugin } from "@oppulence/worker-testing/conformance";
import { circuitBreaker } from "../src/index.ts";

const dependencies = { smtp: { failureThreshold: 1_000, maxHalfOpenWait: "1s" } };

// Were jobs parked, some would be before they are claimed, and the suite waits to see them deferred.
testPlugin(() => circuitBreaker({ dependencies, park: false }), {
  taskOptions: { breaker: { dependency: "smtp" } },
  stops: {
    setup: ({ api }) => api.open("smtp", { reason: "conformance" }),
    expect: "defer",
    code: "CIRCUIT_OPEN",
    release: ({ api }) => api.reset("smtp"),
  },
  leakCheck: ({ query }) => query("select id from oppulence_worker.breaker_probes"),
  races: 100,
});
