import { circuitBreaker } from "@oppulence/worker-breaker";
import { type AnyPlugin, defer, definePlugin, defineTask, proceed } from "@oppulence/worker-core";
import { rateLimit } from "@oppulence/worker-ratelimit";
import { recovery } from "@oppulence/worker-recovery";
import { retries } from "@oppulence/worker-retry";
import type { WorkerModule } from "@oppulence/worker-testing";

/** What the task calls, what it has done, and what the third party's plugin counts. */
export const TABLES = `create table dependency (is_down boolean not null);
insert into dependency values (false);
create table done (job_id bigint not null);
create table desks (job_id bigint primary key, pid int not null)`;

export const limits = () =>
  rateLimit({
    limiters: {
      api: { maxPerSecond: 200, burstSize: 50 },
      tenant: {
        maxConcurrent: 2,
        key: ({ tenant }: { readonly tenant: number }) => tenant,
      },
    },
    lease: "1s",
    tendInterval: "250ms",
  });

export const breaker = () =>
  circuitBreaker({
    dependencies: { api: { failureThreshold: 5, resetTimeout: "300ms", maxHalfOpenWait: "1s" } },
  });

/** What one who is not of this repo might write: a desk a job, with a permit; one in ten finds none. */
function desks(): AnyPlugin {
  return definePlugin({
    name: "desks",
    producers: "enforced-at-run",
    setup: ({ query }) => ({
      beforeRun: {
        phase: "consume",
        onError: "closed",
        async run({ job }) {
          if (Math.random() < 0.1)
            return defer({ after: "50ms" }, { code: "NO_DESK", message: "all desks are taken" });
          // A run that was killed had the same desk.
          await query(
            "insert into desks values ($1, $2) on conflict (job_id) do update set pid = excluded.pid",
            [job.id, process.pid],
          );
          const leave = async () => {
            await query("delete from desks where job_id = $1", [job.id]);
          };
          return proceed({ permit: { commit: leave, rollback: leave } });
        },
      },
    }),
  });
}

const call = defineTask({
  identifier: "call",
  rateLimit: ["api", "tenant", { maxConcurrent: 12 }],
  breaker: { dependency: "api" },
  spec: { maxAttempts: 100 },
  async run(_, { job, query }) {
    const [row] = await query<{ is_down: boolean }>(
      "select is_down from dependency, pg_sleep(random() * 0.03)",
    );
    if (row?.is_down) throw new Error("the dependency is down");
    await query("insert into done values ($1)", [job.id]);
  },
});

/** A process whose jobs pass three limiters, a breaker, and a plugin of somebody else. */
export const config: WorkerModule = () => ({
  tasks: [call],
  plugins: [
    recovery({ heartbeat: "500ms", maxCrashes: 50 }),
    retries({ maxAttempts: 100, backoff: { type: "fixed", delay: "100ms" } }),
    limits(),
    desks(),
    breaker(),
  ],
  worker: { concurrentJobs: 8 },
  stopTimeout: "5s",
});
