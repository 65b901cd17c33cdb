import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../src/index.ts";

describe("createFakeClock", () => {
  it("stands still until it is moved", async () => {
    const clock = createFakeClock(new Date("2031-02-03T04:05:06Z"));
    expect(new Date(clock.now()).toISOString()).toBe("2031-02-03T04:05:06.000Z");
    await clock.advance("1m 30s");
    expect(new Date(clock.now()).toISOString()).toBe("2031-02-03T04:06:36.000Z");
  });

  it("fires timers in the order of their instants, each at its own", async () => {
    const clock = createFakeClock(0);
    const fired: string[] = [];
    const at = (name: string, ms: number) =>
      clock.setTimeout(() => fired.push(`${name} ${clock.now()}`), ms);
    at("c", 30);
    at("a", 10);
    at("b1", 20);
    at("b2", 20);
    at("d", 40);
    await clock.advance(35);
    expect(fired).toEqual(["a 10", "b1 20", "b2 20", "c 30"]);
    expect(clock.now()).toBe(35);
    expect(clock.pending).toBe(1);
  });

  it("fires timers that a fired timer sets, if they are due", () => {
    const clock = createFakeClock(0);
    const fired: number[] = [];
    const tick = () => {
      fired.push(clock.now());
      clock.setTimeout(tick, 10);
    };
    clock.setTimeout(tick, 10);
    clock.advanceSync(35);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.pending).toBe(1);
  });

  it("lets promises settle between timers", async () => {
    const clock = createFakeClock(0);
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    const steps: number[] = [];
    const work = (async () => {
      for (let step = 0; step < 3; step++) {
        await sleep(10);
        await Promise.resolve();
        steps.push(clock.now());
      }
    })();
    await clock.advance(30);
    await work;
    expect(steps).toEqual([10, 20, 30]);
  });

  it("does not fire what was cleared, whoever cleared it", async () => {
    const clock = createFakeClock(0);
    const fired: string[] = [];
    const second = clock.setTimeout(() => fired.push("second"), 20);
    clock.setTimeout(() => clock.clearTimeout(second), 10);
    await clock.advance(100);
    clock.clearTimeout(second);
    clock.clearTimeout(undefined);
    expect(fired).toEqual([]);
  });

  it("fires what is due now when it moves by nothing", async () => {
    const clock = createFakeClock(0);
    let fired = 0;
    clock.setTimeout(() => {
      fired += 1;
    }, -5);
    await clock.advance(0);
    expect(fired).toBe(1);
    expect(clock.now()).toBe(0);
  });

  it("throws what a timer throws, at that timer's instant", async () => {
    const clock = createFakeClock(0);
    clock.setTimeout(() => {
      throw new Error("timer");
    }, 10);
    await expect(clock.advance(50)).rejects.toThrow("timer");
    expect(clock.now()).toBe(10);
  });

  it("refuses to go back", async () => {
    await expect(createFakeClock().advance(-1)).rejects.toThrow("advance: got -1");
  });
});
