import type { Bench } from "../bench.ts";
import { overhead } from "./overhead.ts";

/** Every benchmark. */
export const benches: readonly Bench[] = [overhead];
