import { testPlugin } from "@oppulence/worker-testing/conformance";
import { startWithin } from "../src/index.ts";

testPlugin(() => startWithin(), { taskOptions: { startWithin: "1h" } });
