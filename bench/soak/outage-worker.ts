import { circuitBreaker } from "@oppulence/worker-breaker";
import { type AnyPlugin, definePlugin, defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";

/** Failures that open the circuit; and calls that a process may have under way, so that it bounds them. */
export const THRESHOLD = 5;
/** The dependency's name. */
export const DEPENDENCY = "api";

/** When each process learnt of each state, and which one made it. Instants are the processes' own. */
export const LEARNT = `create table learnt (pid int not null, generation bigint not null, at timestamptz not null);
create table made (pid int not null, generation bigint primary key)`;

/** What {@link config} is told. */
export interface OutageSoakData {
  readonly url: string;
}

/** The plugin as every process of the soak has it. */
export const breaker = () =>
  circuitBreaker({
    dependencies: {
      [DEPENDENCY]: { failureThreshold: THRESHOLD, maxUnderWay: THRESHOLD, resetTimeout: "2s" },
    },
  });

/** A process whose jobs call the dependency. */
export const config: WorkerModule = ({ data }) => {
  const { url } = data as OutageSoakData;
  const call = defineTask({
    identifier: "call",
    breaker: { dependency: DEPENDENCY },
    run: async (_, { job, signal }) => {
      const response = await fetch(`${url}/${job.id}/${job.attempts}`, { signal });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    },
  });
  return {
    tasks: [call],
    plugins: [breaker(), learning()],
    worker: { concurrentJobs: 10, localQueue: { size: 50 } },
    stopTimeout: "5s",
  };
};

function learning(): AnyPlugin {
  return definePlugin({
    name: "learning",
    producers: "not-covered",
    setup({ events, query }) {
      events.on("circuit:changed", ({ generation }) => {
        // Before the insert, which may have to wait for a connection.
        const at = new Date();
        void query("insert into learnt values ($1, $2, $3)", [process.pid, generation, at]);
      });
      events.on("circuit:transition", ({ generation }) => {
        void query("insert into made values ($1, $2)", [process.pid, generation]);
      });
      return {};
    },
  });
}
