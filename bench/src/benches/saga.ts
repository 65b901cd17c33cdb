import type { Bench, CaseInput, Measurement } from "../bench.ts";
import type { Chains } from "../systems/chains.ts";
import { sagaChains } from "../systems/saga-chains.ts";

export const saga: Bench = {
  name: "saga",
  about:
    "steps a second of chains of ten no-op steps, 24 at once: worker-saga, the same among runs that wait, DBOS Transact",
  unit: "steps/s",
  base: "dbos",
  bases: { crowded: "saga", roundTrips: null },
  units: { roundTrips: "statements/step" },
  rounds: 5,
  size: { chains: 1_000, steps: 10, warmUp: 200, waiting: 20_000 },
  quick: { chains: 300, steps: 10, warmUp: 100, waiting: 2_000 },
  asked: {
    saga: { what: "ratio", atLeast: 3 },
    crowded: { what: "ratio", atLeast: 0.9 },
    roundTrips: { what: "median", atMost: 2 },
  },
  cases: {
    async saga(input) {
      const { chains = 0, steps = 0 } = input.size;
      const system = await sagaChains(input.databaseUrl, steps);
      let sent = 0;
      const rate = await measure(input, {
        ...system,
        async run(count) {
          const before = system.sent();
          await system.run(count);
          sent = system.sent() - before;
        },
      });
      return { rows: { saga: rate, roundTrips: sent / (chains * steps) } };
    },
    crowded: (input) => measureCrowded(input),
    async dbos(input) {
      const { dbosChains } = await import("../systems/dbos-chains.ts");
      const { steps = 0 } = input.size;
      return { rows: { dbos: await measure(input, await dbosChains(input.databaseUrl, steps)) } };
    },
  },
};

/** Chains among many runs that wait: what a step costs does not grow with them. */
async function measureCrowded(input: CaseInput): Promise<Measurement> {
  const { steps = 0, waiting = 0 } = input.size;
  const system = await sagaChains(input.databaseUrl, steps);
  await system.wait(waiting);
  return { rows: { crowded: await measure(input, system) } };
}

/** Steps a second, from the first start to the last end in the store. */
async function measure({ size, measured }: CaseInput, system: Chains): Promise<number> {
  const { chains = 0, steps = 0, warmUp = 0 } = size;
  await system.run(warmUp);
  globalThis.gc?.();
  const seconds = await measured(async () => {
    const began = performance.now();
    await system.run(chains);
    return (performance.now() - began) / 1_000;
  });
  await system.stop();
  return (chains * steps) / seconds;
}
