import type { Job } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { Remembered } from "../src/remembered.ts";

const claim = (id: string, pool = "a", lockedAtMs = 1_000) => ({ id, pool, lockedAtMs });
const row = (id: string, pool = "a", lockedAtMs = 1_000) =>
  ({ id, locked_by: pool, locked_at: new Date(lockedAtMs) }) as Job;

describe("Remembered", () => {
  it("tells why a claim was cancelled, once", () => {
    const remembered = new Remembered();
    remembered.add(claim("1"), "wrong");
    expect(remembered.take(row("2"))).toBeUndefined();
    expect(remembered.take(row("1"))).toBe("wrong");
    expect(remembered.take(row("1"))).toBeUndefined();
  });

  it.each([
    ["another pool", row("1", "b")],
    ["a later time", row("1", "a", 1_001)],
  ])("lets a claim of %s be, and forgets the one before", (_, later) => {
    const remembered = new Remembered();
    remembered.add(claim("1"), "wrong");
    expect(remembered.take(later)).toBeUndefined();
    expect(remembered.forget(claim("1"))).toBe(false);
  });

  it("forgets what a pool held that has ended", () => {
    const remembered = new Remembered();
    remembered.add(claim("1", "a"), "wrong");
    remembered.add(claim("2", "b"), "wrong");
    remembered.forgetPool("a");
    expect(remembered.take(row("1", "a"))).toBeUndefined();
    expect(remembered.take(row("2", "b"))).toBe("wrong");
  });

  it("keeps the newest ten thousand", () => {
    const remembered = new Remembered();
    for (let id = 0; id <= 10_000; id++) remembered.add(claim(`${id}`), "wrong");
    expect(remembered.take(row("0"))).toBeUndefined();
    expect(remembered.take(row("1"))).toBe("wrong");
  });
});
