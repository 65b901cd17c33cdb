import { setTimeout as sleep } from "node:timers/promises";
import { definePlugin, defineTask, proceed } from "@oppulence/worker-core";
import { type RateLimitPlugin, rateLimit, type StoreFactory } from "@oppulence/worker-ratelimit";
import { redisStore } from "@oppulence/worker-ratelimit/redis";
import { recovery } from "@oppulence/worker-recovery";
import type { WorkerModule } from "@oppulence/worker-testing";
import { Redis } from "ioredis";

/** Limiters by name: one under arrivals at random, one under a backlog, one of places. */
export const RATES = {
  arriving: { perSecond: 100, burst: 20 },
  steady: { perSecond: 100, burst: 50 },
};
export const PLACES = 5;
/** How long a place outlives its process. */
export const LEASE_MS = 2_000;
export const TEND_MS = 250;
/** From a kill until the jobs of that process run again, with the heartbeat of {@link config}. */
export const RECOVERED_WITHIN_MS = 3_000;

/**
 * When each job was admitted, as a span that this is within, by the database's clock; and when each run had a place.
 * A killed process's runs ended by then.
 */
export const TABLES = `create table starts (
  task text not null, units int not null, low timestamptz not null, high timestamptz not null
);
create table runs (
  id bigint generated always as identity primary key, pid int not null,
  started_at timestamptz not null default clock_timestamp(), ended_at timestamptz
);
create table kills (pid int primary key, at timestamptz not null default clock_timestamp())`;

/** What {@link config} is told. */
export interface LimitsSoakData {
  /** Where counts are: in that Redis, or PostgreSQL. */
  readonly redisPort: number | undefined;
}

/** The limiter as every process has it. */
export function limits({ redisPort }: LimitsSoakData): RateLimitPlugin {
  return rateLimit({
    limiters: {
      arriving: {
        maxPerSecond: RATES.arriving.perSecond,
        burstSize: RATES.arriving.burst,
        units: ({ units }: { readonly units: number }) => units,
      },
      steady: { maxPerSecond: RATES.steady.perSecond, burstSize: RATES.steady.burst },
      places: { maxConcurrent: PLACES },
    },
    lease: LEASE_MS,
    tendInterval: TEND_MS,
    ...(redisPort === undefined ? {} : { store: inRedis(redisPort) }),
  });
}

function inRedis(port: number): StoreFactory {
  return (input) => redisStore(new Redis({ port, lazyConnect: true }))(input);
}

/** Notes when the limiter was asked, and when it had let the job go. */
const noted = (name: "asked" | "admitted") =>
  definePlugin({
    name,
    producers: "not-covered",
    setup: () => ({
      beforeRun: {
        phase: name === "asked" ? "gate" : "consume",
        onError: "open",
        run: () => proceed({ context: performance.now() }),
      },
    }),
  });

/**
 * Records when it was admitted: after the limiter was asked, and before it had answered. By how much the database's
 * clock is ahead is known from a statement, whose instant lies between two of this process's own.
 */
const recorded = (identifier: "arriving" | "steady") =>
  defineTask({
    identifier,
    rateLimit: identifier,
    async run(payload, { query, plugins }) {
      const { asked, admitted } = plugins as { readonly asked: number; readonly admitted: number };
      const before = performance.now() - admitted;
      const [clock] = await query<{ at: number }>(
        "select extract(epoch from clock_timestamp())::float8 as at",
      );
      const after = performance.now() - asked;
      // In one statement: a process that is killed has recorded a start as it was, or none.
      await query(
        "insert into starts select $1, $2, to_timestamp($3::float8 - $4::float8 / 1000), to_timestamp($3::float8 - $5::float8 / 1000)",
        [identifier, (payload as { readonly units?: number }).units ?? 1, clock?.at, after, before],
      );
    },
  });

const held = defineTask({
  identifier: "held",
  rateLimit: "places",
  async run(_, { query }) {
    const [row] = await query<{ id: string }>("insert into runs (pid) values ($1) returning id", [
      process.pid,
    ]);
    await sleep(20 + Math.random() * 60);
    await query("update runs set ended_at = clock_timestamp() where id = $1", [row?.id]);
  },
});

/** A process of the soak. */
export const config: WorkerModule = ({ data }) => ({
  tasks: [recorded("arriving"), recorded("steady"), held],
  plugins: [
    recovery({ heartbeat: "500ms", maxCrashes: 100 }),
    noted("asked"),
    limits(data as LimitsSoakData),
    noted("admitted"),
  ],
  worker: { concurrentJobs: 12 },
  stopTimeout: "5s",
});
