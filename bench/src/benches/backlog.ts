import { createClient } from "@oppulence/worker-core";
import type { Bench, CaseInput, Note } from "../bench.ts";
import { drainOnce } from "../systems/drain.ts";
import { openPool } from "../systems/graphile.ts";
import { fill, vacuum, withConnection } from "../systems/job-table.ts";
import { platformSystem, taskThatWaits } from "../systems/platform.ts";
import { silentLogger } from "../systems/silent-logger.ts";
import { drainRepeatedly } from "../systems/watch.ts";
import { behindOpenCircuit, behindThrottled } from "./blocked-backlog.ts";
import { FAST } from "./overhead.ts";

const PARKED = "parked";
const REASON = { plugin: "bench", code: "HELD", message: "parked by the bench" };

export const backlog: Bench = {
  name: "backlog",
  about:
    "jobs a second beside a backlog of others that cannot run: parked, its circuit open, throttled",
  unit: "jobs/s",
  base: "bare",
  rounds: 7,
  size: {
    jobs: 20_000,
    warmUp: 20_000,
    repeats: 5,
    parked: 200_000,
    blocked: 200_000,
    throttled: 1_000_000,
  },
  quick: {
    jobs: 10_000,
    warmUp: 10_000,
    repeats: 3,
    parked: 40_000,
    blocked: 40_000,
    throttled: 40_000,
  },
  units: { fetches: "fetches/job" },
  bases: { fetches: null },
  asked: {
    parked: { what: "ratio", atLeast: 0.9 },
    breaker: { what: "ratio", atLeast: 0.9 },
    throttled: { what: "ratio", atLeast: 0.8 },
    fetches: { what: "median", atMost: 2.1 },
  },
  cases: {
    bare: (input) => measureBacklog("bare", input, 0),
    parked: (input) => measureBacklog("parked", input, input.size.parked ?? 0),
    breaker: behindOpenCircuit,
    throttled: behindThrottled,
  },
};

/** Drains jobs of one task while jobs of another, which the same worker runs too, are parked. */
function measureBacklog(name: string, input: CaseInput, parked: number) {
  const make = platformSystem(input.databaseUrl, FAST, [], { others: [taskThatWaits(PARKED)] });
  return withConnection(input.databaseUrl, async (connection) => {
    const park = await parking(input.databaseUrl);
    const notes: Note[] = [];
    if (parked > 0) {
      await fill(connection, PARKED, parked);
      await vacuum(connection);
      notes.push(await park.hold());
    }
    const { rate, cpu } = await drainRepeatedly(input, (jobs) => drainOnce(connection, make, jobs));
    if (parked > 0) notes.push(await park.release());
    await park.close();
    return { rows: { [name]: rate }, notes: [cpu, ...notes] };
  });
}

async function parking(databaseUrl: string) {
  const pool = openPool(databaseUrl);
  const client = createClient({ pool, logger: silentLogger, config: false });
  await client.start();
  const rate = async (what: string, move: () => Promise<number>): Promise<Note> => {
    const startedAt = performance.now();
    const moved = await move();
    const seconds = (performance.now() - startedAt) / 1_000;
    return { what: `${what} of ${moved.toLocaleString("en-US")} jobs`, value: seconds, unit: "s" };
  };
  return {
    hold: () => rate("hold", () => client.engine.hold({ tasks: [PARKED] }, undefined, REASON)),
    release: () => rate("release", () => client.engine.release(REASON.plugin)),
    async close() {
      await client.stop();
      await pool.end();
    },
  };
}
