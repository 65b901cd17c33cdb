import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, CaseInput, Measurement } from "../bench.ts";
import { median, quantile } from "../statistics.ts";
import { eightPlugins } from "../systems/eight-plugins.ts";
import { bareSystem } from "../systems/graphile.ts";
import { platformSystem } from "../systems/platform.ts";
import type { MakeSystem } from "../systems/system.ts";

/** Long enough for a job's completion to be written and the worker to be idle again. */
const BETWEEN_MS = 5;

export const latency: Bench = {
  name: "latency",
  about: "add to start of one job on an idle worker, the engine's options left alone",
  unit: "ms",
  base: "bare",
  rounds: 7,
  size: { jobs: 400, warmUp: 100 },
  quick: { jobs: 60, warmUp: 20 },
  asked: { eight: { what: "ratio", atMost: 1.15 } },
  cases: {
    bare: (input) => measureLatency("bare", input, bareSystem(input.databaseUrl, {})),
    eight: (input) =>
      measureLatency("eight", input, platformSystem(input.databaseUrl, {}, eightPlugins())),
  },
};

/** The median time from the call that adds a job to the job's first line, one job at a time. */
async function measureLatency(
  name: string,
  input: CaseInput,
  make: MakeSystem,
): Promise<Measurement> {
  const { jobs = 0, warmUp = 0 } = input.size;
  let onStart = (_at: number): void => {};
  const system = make({ asked: () => {}, hit: () => onStart(performance.now()) });
  const addOne = async (): Promise<number> => {
    const started = new Promise<number>((resolve) => {
      onStart = resolve;
    });
    const addedAt = performance.now();
    await system.add();
    return (await started) - addedAt;
  };
  const addMany = async (count: number): Promise<number[]> => {
    const took: number[] = [];
    for (let index = 0; index < count; index++) {
      took.push(await addOne());
      await sleep(BETWEEN_MS);
    }
    return took;
  };
  await system.start();
  await addMany(warmUp);
  globalThis.gc?.();
  const took = await input.measured(() => addMany(jobs));
  await system.stop();
  return {
    rows: { [name]: median(took) },
    notes: [{ what: "95 % of the jobs started within", value: quantile(took, 0.95), unit: "ms" }],
  };
}
