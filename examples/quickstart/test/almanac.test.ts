import { describe, expect, it } from "vitest";
import { type Almanac, DOWN_MS, startAlmanac } from "../src/almanac.ts";

async function call({ url }: Almanac): Promise<number> {
  const response = await fetch(`${url}/?latitude=60`);
  const body = (await response.json()) as { readonly hours?: number };
  if (response.ok) expect(body.hours).toBeCloseTo(18.5, 1);
  return response.status;
}

/** How many of so many calls at once have each status. */
async function callAtOnce(almanac: Almanac, calls: number): Promise<Record<number, number>> {
  const statuses = await Promise.all(Array.from({ length: calls }, () => call(almanac)));
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe("almanac", () => {
  it("turns calls away over its limit and while it is down, comes back, and counts them", async () => {
    let now = 0;
    const almanac = await startAlmanac(() => now);
    try {
      expect(await callAtOnce(almanac, 30)).toEqual({ 200: 20, 429: 10 });
      now += 1_000;
      expect(await callAtOnce(almanac, 22)).toEqual({ 200: 20, 503: 2 });
      now += DOWN_MS - 1;
      expect(await callAtOnce(almanac, 3)).toEqual({ 503: 3 });
      now += 1;
      expect(await callAtOnce(almanac, 4)).toEqual({ 200: 4 });
      expect(almanac.calls()).toEqual({ answered: 44, overLimit: 10, whileDown: 5 });
    } finally {
      almanac.close();
    }
  });
});
