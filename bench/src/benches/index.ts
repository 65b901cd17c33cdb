import type { Bench } from "../bench.ts";
import { backlog } from "./backlog.ts";
import { enqueue } from "./enqueue.ts";
import { latency } from "./latency.ts";
import { overhead } from "./overhead.ts";
import { peers } from "./peers.ts";
import { precision } from "./precision.ts";
import { roundtrips } from "./roundtrips.ts";
import { saga } from "./saga.ts";

/** Every benchmark, in the order of the list. */
export const benches: readonly Bench[] = [
  overhead,
  enqueue,
  latency,
  backlog,
  peers,
  precision,
  roundtrips,
  saga,
];
