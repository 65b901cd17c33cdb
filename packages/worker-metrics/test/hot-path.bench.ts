/**
 * What one job costs the process, in nanoseconds: the listeners of `job:started` and `job:succeeded`, and for
 * comparison the same on prom-client's own classes.
 *
 * Run it with Node >= 22.18: `node --conditions=@oppulence/source test/hot-path.bench.ts`
 */
import { createClient, type Job } from "@oppulence/worker-core";
import { Counter, Histogram, Registry } from "prom-client";
import { PromBackend } from "../src/backend.ts";
import { DatabaseClock } from "../src/database-clock.ts";
import { countJobs, jobMetrics } from "../src/job-metrics.ts";
import { metricsOptions } from "../src/options.ts";
import { waitSeconds } from "../src/wait.ts";

const JOBS = 200_000;
const ROUNDS = 9;
const TASKS = Array.from({ length: 20 }, (_, index) => `task_${index}`);
const now = Date.now();
const jobs = TASKS.map(
  (task_identifier) =>
    ({
      task_identifier,
      run_at: new Date(now - 40),
      locked_at: new Date(now - 5),
    }) as unknown as Job,
);
const options = metricsOptions.parse({});
const newEvents = () =>
  createClient({ connectionString: "postgres://unused", config: false }).events;

function emitting(events: ReturnType<typeof newEvents>): () => void {
  return () => {
    for (let index = 0; index < JOBS; index++) {
      const job = jobs[index % jobs.length] as Job;
      events.emit("job:started", { job });
      events.emit("job:succeeded", { job, durationMs: (index % 1_000) / 10 });
    }
  };
}

function ours(): () => void {
  const events = newEvents();
  const clock = new DatabaseClock();
  clock.read({ sentAt: performance.now(), receivedAt: performance.now(), databaseMs: now });
  const tasks = jobMetrics({ backend: new PromBackend(new Registry()), options, warn: () => {} });
  countJobs(events, tasks, clock);
  return emitting(events);
}

function theirs(): () => void {
  const events = newEvents();
  const registers = [new Registry()];
  const total = new Counter({
    name: "a_total",
    help: "a",
    labelNames: ["task", "outcome"],
    registers,
  });
  const histogram = (name: string, buckets: readonly number[]) =>
    new Histogram({ name, help: name, labelNames: ["task"], buckets: [...buckets], registers });
  const duration = histogram("duration", options.buckets.duration);
  const wait = histogram("wait", options.buckets.wait);
  events.on("job:started", ({ job }) =>
    wait.observe({ task: job.task_identifier }, waitSeconds(job, now)),
  );
  events.on("job:succeeded", ({ job, durationMs }) => {
    total.inc({ task: job.task_identifier, outcome: "succeeded" });
    duration.observe({ task: job.task_identifier }, durationMs / 1_000);
  });
  return emitting(events);
}

function hookHistogram(): () => void {
  const hook = new PromBackend(new Registry()).histogram({
    name: "hook",
    help: "hook",
    labels: ["plugin", "hook"],
  });
  const labels = { plugin: "ratelimit", hook: "beforeRun" };
  return () => {
    for (let index = 0; index < JOBS; index++) hook.record(0.00002, labels);
  };
}

const cases = {
  "events without listeners": emitting(newEvents()),
  "a job counted by this plugin": ours(),
  "a job counted on prom-client's classes": theirs(),
  "one hook's duration recorded": hookHistogram(),
};
const results = new Map<string, number[]>();
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(cases)) {
    // CPU time, so that other programs on the machine do not count.
    const started = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(started);
    const each = ((user + system) * 1_000) / JOBS;
    // The first round warms up.
    if (round > 0) results.set(name, [...(results.get(name) ?? []), each]);
  }
}
for (const [name, times] of results) {
  const sorted = times.sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  console.log(`${name}: ${median.toFixed(0)} ns (best ${sorted[0]?.toFixed(0)})`);
}
