import type { Job, RunInput } from "@oppulence/worker-core";
import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { gate } from "../src/gate.ts";
import { Heartbeat } from "../src/heartbeat.ts";
import { Solitary } from "../src/solitary.ts";
import { Suspects } from "../src/suspects.ts";

/** The hook of a pool that has been silent for longer than its lease. */
const setUp = async ({ isAlive }: { readonly isAlive: boolean | "unknown" }) => {
  const clock = createFakeClock();
  let beats = 0;
  const heartbeat = new Heartbeat({
    heartbeatMs: 1_000,
    deadAfterMs: 4_000,
    clock,
    store: {
      join: async () => {},
      leave: async () => {},
      beat: async (pools) => {
        beats += 1;
        if (isAlive === "unknown") throw new Error("away");
        return isAlive ? [...pools] : [];
      },
    },
    onLost: () => {},
    onError: () => {},
    onBeat: () => {},
  });
  await heartbeat.join("pool-a");
  const store = { recordStarts: async () => {}, forgetStarts: async () => {} };
  const suspects = new Suspects({
    store,
    solitary: new Solitary(),
    maxCrashes: 3,
    turnMs: 0,
    clock,
  });
  const run = gate(heartbeat, suspects);
  const ask = (flags: Job["flags"] = null, pool = "pool-a") =>
    run({ job: { id: "1", locked_by: pool, flags }, labels: {} } as unknown as RunInput);
  return { ask, heartbeat, beats: () => beats };
};

describe("the hook before every job", () => {
  it("lets a job through without a promise, and without asking anybody", async () => {
    const { ask, beats } = await setUp({ isAlive: true });
    expect(ask()).toBeUndefined();
    expect(ask({ "tenant=a": true })).toBeUndefined();
    expect(ask(null, "a pool that is not ours")).toBeUndefined();
    expect(beats()).toBe(0);
  });

  it("asks once for all jobs of a pool that was silent, and lets them through if it is alive", async () => {
    const { ask, beats, heartbeat } = await setUp({ isAlive: true });
    const lease = heartbeat.lease("pool-a");
    lease?.confirm({ steadyMs: performance.now() - 5_000, wallMs: 0 });
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([undefined, undefined, undefined]);
    expect(beats()).toBe(1);
    expect(ask()).toBeUndefined();
  });

  it.each([false, "unknown" as const])(
    "gives jobs back when the pool is not known to be alive: %s",
    async (isAlive) => {
      const { ask, heartbeat } = await setUp({ isAlive });
      heartbeat.lease("pool-a")?.confirm({ steadyMs: performance.now() - 5_000, wallMs: 0 });
      expect(await ask()).toMatchObject({ kind: "defer", reason: { code: "POOL_SILENT" } });
      expect(await ask()).toMatchObject({ kind: "defer" });
    },
  );
});
