import type { Bench } from "../bench.ts";
import { drainPeer } from "../systems/peer.ts";
import { overhead, row } from "./overhead.ts";

const CONCURRENCY = 24;

export const peers: Bench = {
  ...overhead,
  name: "peers",
  about: "no-op jobs a second: eight plugins, BullMQ and pg-boss, each with its own batching",
  rounds: 7,
  comparisons: [{ row: "eight", against: "bullmq" }],
  asked: { "eight/bullmq": { what: "ratio", atLeast: 1.5 } },
  needsRedis: ["bullmq"],
  cases: {
    bare: overhead.cases.bare as Bench["cases"][string],
    eight: overhead.cases.eight as Bench["cases"][string],
    async bullmq(input) {
      if (input.redisPort === undefined) throw new Error("there is no Redis");
      const { bullmq } = await import("../systems/bullmq.ts");
      return row("bullmq", await drainPeer(input, bullmq(input.redisPort, CONCURRENCY)));
    },
    async pgboss(input) {
      const { pgBoss } = await import("../systems/pg-boss.ts");
      const peer = await pgBoss(input.databaseUrl, { workers: 8, batchSize: 500 });
      return row("pgboss", await drainPeer(input, peer));
    },
  },
};
