import { testPlugin } from "@oppulence/worker-testing/conformance";
import { recovery } from "../src/index.ts";

// As suspects: all that this plugin ever does for a job it does for these.
testPlugin(() => recovery({ heartbeat: 250, deadAfter: 1_000 }), {
  variant: "suspects",
  jobOptions: { labels: { crashes: "1" } },
  leakCheck: ({ query }) => query("select job_id from oppulence_worker.recovery_starts"),
});
