/** One way to run graphile-worker. */
export interface Cell {
  readonly name: string;
  readonly worker: GraphileConfig.WorkerOptions;
}

/** Few jobs at once need few connections, and those are most of what a check costs. */
const COMMON = { concurrentJobs: 2, pollInterval: 500 } as const;
const LOCAL_QUEUE = { localQueue: { size: 20 } } as const;
const BATCHED = { completeJobBatchDelay: 10, failJobBatchDelay: 10 } as const;

/** The ways that change what a plugin meets: how jobs are fetched, and how their ends are written. */
export const CELLS: readonly [Cell, ...Cell[]] = [
  { name: "plain", worker: COMMON },
  { name: "local queue", worker: { ...COMMON, ...LOCAL_QUEUE } },
  { name: "batched writes", worker: { ...COMMON, ...BATCHED } },
  { name: "local queue, batched writes", worker: { ...COMMON, ...LOCAL_QUEUE, ...BATCHED } },
];

/** The cell of a number, round and round. */
export function cellOf(index: number): Cell {
  return CELLS[index % CELLS.length] as Cell;
}
