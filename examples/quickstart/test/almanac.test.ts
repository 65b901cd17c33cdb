import { describe, expect, it } from "vitest";
import { type Almanac, DOWN_MS, startAlmanac } from "../src/almanac.ts";

/** Calls it, so many calls at once, until one has the status. */
async function callUntil(almanac: Almanac, wanted: number, atOnce: number): Promise<number[]> {
  const statuses: number[] = [];
  while (!statuses.includes(wanted))
    statuses.push(...(await Promise.all(Array.from({ length: atOnce }, () => call(almanac)))));
  return statuses;
}

async function call({ url }: Almanac): Promise<number> {
  const response = await fetch(`${url}/?latitude=60`);
  const body = (await response.json()) as { readonly hours?: number };
  if (response.ok) expect(body.hours).toBeCloseTo(18.5, 1);
  return response.status;
}

const count = (statuses: readonly number[], wanted: number) =>
  statuses.filter((status) => status === wanted).length;

describe("almanac", () => {
  it("turns calls away over its limit and while it is down, comes back, and counts them", async () => {
    const almanac = await startAlmanac();
    try {
      const before = await callUntil(almanac, 503, 30);
      expect(count(before, 200)).toBe(40);
      expect(count(before, 429)).toBeGreaterThan(0);
      const downAt = performance.now();
      const during = await callUntil(almanac, 200, 1);
      expect(performance.now() - downAt).toBeGreaterThan(DOWN_MS - 100);
      expect(count(during, 429)).toBe(0);
      const all = [...before, ...during];
      expect(almanac.calls()).toEqual({
        answered: count(all, 200),
        overLimit: count(all, 429),
        whileDown: count(all, 503),
      });
    } finally {
      almanac.close();
    }
  }, 60_000);
});
