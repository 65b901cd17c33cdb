/** Counts the jobs that ran and tells when all have. */
export interface JobCounter {
  /** What every job does: nothing but being counted. */
  readonly hit: () => void;
  /** Settles when the last job has run. */
  readonly allRan: Promise<void>;
  /** When the first job ran, in milliseconds of `performance.now()`. */
  readonly firstAt: () => number;
}

/**
 * @param total - how many jobs there are
 * @param onFirst - told when the first one runs
 */
export function countJobs(total: number, onFirst: () => void = () => {}): JobCounter {
  let allRan = (): void => {};
  const promise = new Promise<void>((resolve) => {
    allRan = resolve;
  });
  let ran = 0;
  let first = 0;
  return {
    hit: () => {
      if (ran === 0) {
        onFirst();
        first = performance.now();
      }
      ran += 1;
      if (ran === total) allRan();
    },
    allRan: promise,
    firstAt: () => first,
  };
}
