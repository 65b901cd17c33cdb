import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import { instantOf, Lease } from "../src/lease.ts";

const setUp = () => {
  const clock = createFakeClock();
  return { clock, lease: new Lease("pool-a", clock, 1_000, instantOf(clock)) };
};

describe("Lease", () => {
  it("is held until the pool has been silent for too long", () => {
    const { clock, lease } = setUp();
    clock.advanceSync(999);
    expect(lease.isHeld()).toBe(true);
    clock.advanceSync(1);
    expect(lease.isHeld()).toBe(false);
    lease.confirm(instantOf(clock));
    expect(lease.isHeld()).toBe(true);
  });

  it("runs from when a beat was sent, not from when it was answered", () => {
    const { clock, lease } = setUp();
    const sentAt = instantOf(clock);
    clock.advanceSync(800);
    lease.confirm(sentAt);
    clock.advanceSync(200);
    expect(lease.isHeld()).toBe(false);
  });

  it("runs out by the steady clock when the wall clock is set back", () => {
    const { lease } = setUp();
    const now = performance.now();
    const steady = vi.spyOn(performance, "now").mockReturnValue(now + 1_001);
    expect(lease.isHeld()).toBe(false);
    steady.mockRestore();
  });

  it("is never held again once it is lost", () => {
    const { clock, lease } = setUp();
    lease.lost = true;
    lease.confirm(instantOf(clock));
    expect(lease.isHeld()).toBe(false);
  });
});
