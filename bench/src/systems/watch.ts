import type { CaseInput, Note } from "../bench.ts";
import { median } from "../statistics.ts";

/** What a system tells of its jobs. */
export interface Watch {
  /** It is about to ask its store for the first jobs. */
  readonly asked: () => void;
  /** A job runs: all it does is to call this. */
  readonly hit: () => void;
}

/** A {@link Watch} that counts jobs and holds the clock. */
export interface CountingWatch extends Watch {
  /** Settles when the last job has run. */
  readonly allRan: Promise<void>;
  /** Since the system asked for the first jobs: milliseconds, and microseconds of this process's CPU. */
  readonly elapsed: () => { readonly ms: number; readonly cpuUs: number };
}

/** @param total - how many jobs there are */
export function countJobs(total: number): CountingWatch {
  let allRan = (): void => {};
  const promise = new Promise<void>((resolve) => {
    allRan = resolve;
  });
  let ran = 0;
  let since: { at: number; cpu: NodeJS.CpuUsage } | undefined;
  return {
    asked: () => {
      since ??= { cpu: process.cpuUsage(), at: performance.now() };
    },
    hit: () => {
      ran += 1;
      if (ran === total) allRan();
    },
    allRan: promise,
    elapsed: () => {
      if (since === undefined) throw new Error("the system never said that it asks for jobs");
      const { user, system } = process.cpuUsage(since.cpu);
      return { ms: performance.now() - since.at, cpuUs: user + system };
    },
  };
}

/** What draining a backlog came to. */
export interface Drained {
  /** Jobs a second, from the first request for jobs to the last completion in the store. */
  readonly rate: number;
  /** CPU time of the worker's process a job, in microseconds: what the machine's other load changes least. */
  readonly cpu: Note;
}

/**
 * Times how a backlog that waits already is drained.
 *
 * @param start - starts the system
 * @param untilDone - resolves once the store has the last completion; called when the last job has run
 */
export async function timeDrain(
  jobs: number,
  start: (watch: Watch) => Promise<void>,
  untilDone: () => Promise<void>,
): Promise<Drained> {
  const watch = countJobs(jobs);
  globalThis.gc?.();
  await start(watch);
  await watch.allRan;
  await untilDone();
  const { ms, cpuUs } = watch.elapsed();
  const what = "CPU a job in the worker's process";
  return { rate: jobs / (ms / 1_000), cpu: { what, value: cpuUs / jobs, unit: "µs" } };
}

/**
 * Drains once to warm the code up, then as often as the size's `repeats` says.
 *
 * @returns the medians of what counts
 */
export async function drainRepeatedly(
  { size, measured }: CaseInput,
  drain: (jobs: number) => Promise<Drained>,
): Promise<Drained> {
  const { jobs = 0, warmUp = 0, repeats = 1 } = size;
  const warm = await drain(warmUp);
  const counted: Drained[] = [];
  await measured(async () => {
    while (counted.length < repeats) counted.push(await drain(jobs));
  });
  return {
    rate: median(counted.map(({ rate }) => rate)),
    cpu: { ...warm.cpu, value: median(counted.map(({ cpu }) => cpu.value)) },
  };
}
