import { definePlugin, defineTask, type Query } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { type CircuitBreakerOptions, circuitBreaker } from "../src/index.ts";
import { storeOfTest } from "./redis-plugin.ts";

/** What {@link config} is told. */
export interface CallerData {
  readonly breaker: CircuitBreakerOptions;
  readonly redis?: boolean;
  readonly concurrentJobs?: number;
  /** The HTTP server that is called; without one, the table that {@link PREPARE} makes is the dependency. */
  readonly url?: string;
}

/** A dependency in SQL: `up` answers, `down` fails, `slow` keeps its callers until it is something else. */
export const PREPARE = `create table dependency (mode text not null);
insert into dependency values ('up');
create table calls (id serial, pid int, mode text, at timestamptz default clock_timestamp());
create table learnt (pid int, state text, generation bigint, at timestamptz default clock_timestamp())`;

async function call(query: Query): Promise<void> {
  const [first] = await query<{ mode: string }>(
    "insert into calls (pid, mode) select $1, mode from dependency returning mode",
    [process.pid],
  );
  let mode = first?.mode;
  while (mode === "slow") {
    await new Promise((resolve) => setTimeout(resolve, 20));
    mode = (await query<{ mode: string }>("select mode from dependency"))[0]?.mode;
  }
  if (mode === "down") throw new Error("the dependency is down");
}

/** Calls the dependency. */
export const callTask = (url?: string) =>
  defineTask({
    identifier: "call",
    breaker: { dependency: "api" },
    async run(_, { query }) {
      if (url === undefined) return call(query);
      const response = await fetch(url);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    },
  });

/** Writes down when this process learns of a circuit's state. */
export const learning = () =>
  definePlugin({
    name: "learning",
    producers: "not-covered",
    setup({ events, query }) {
      events.on("circuit:changed", ({ to, generation }) => {
        void query("insert into learnt (pid, state, generation) values ($1, $2, $3)", [
          process.pid,
          to,
          generation,
        ]).catch(() => {});
      });
      return {};
    },
  });

/** A process that calls the dependency. */
export const config: WorkerModule = ({ data }) => {
  const { breaker, redis = false, concurrentJobs = 5, url } = data as CallerData;
  const options = redis ? { ...breaker, store: storeOfTest } : breaker;
  return {
    tasks: [callTask(url)],
    plugins: [circuitBreaker(options), ...(url === undefined ? [learning()] : [])],
    worker: { concurrentJobs },
  };
};
