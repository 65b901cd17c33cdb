import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { Loop } from "../src/index.ts";

describe("Loop", () => {
  it("takes turns with a pause between them, and none after it was stopped", async () => {
    const clock = createFakeClock(0);
    const turns: number[] = [];
    const loop = new Loop({
      clock,
      intervalMs: 1_000,
      random: () => 0.5,
      turn: async () => void turns.push(clock.now()),
    });
    loop.start();
    loop.start();
    await clock.advance("3s");
    expect(turns).toEqual([500, 1_500, 2_500]);
    await loop.stop();
    await loop.stop();
    await clock.advance("1m");
    expect(turns).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  it("varies the pause by a fifth", async () => {
    const clock = createFakeClock(0);
    const turns: number[] = [];
    const randoms = [0, 0, 1];
    const loop = new Loop({
      clock,
      intervalMs: 1_000,
      random: () => randoms.shift() ?? 0.5,
      turn: async () => void turns.push(clock.now()),
    });
    loop.start();
    await clock.advance("2001ms");
    expect(turns.map(Math.round)).toEqual([0, 800, 2_000]);
    await loop.stop();
  });

  it("aborts the turn under way when it is stopped, and waits for its end", async () => {
    const clock = createFakeClock(0);
    let ended = false;
    const loop = new Loop({
      clock,
      intervalMs: 1_000,
      random: () => 0,
      turn: (signal) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            ended = true;
            resolve();
          }),
        ),
    });
    loop.start();
    await clock.advance("1s");
    await loop.stop();
    expect(ended).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
