import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunksOf, cutChunks } from "../src/chunks.ts";

const sized = (sizes: readonly number[]) =>
  sizes.map((size, index) => ({ id: String(index + 1), payload_size: size }));

describe("cutChunks", () => {
  it("bounds number and bytes, and gives a huge entry a chunk of its own", () => {
    const chunks = [...cutChunks(sized([1, 1, 1, 10_000_000, 7_000_000, 900_000, 200_000]), 2)];
    expect(chunks).toEqual([["1", "2"], ["3"], ["4"], ["5", "6"], ["7"]]);
  });

  it("has every entry once, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000_000)), fc.integer({ min: 1, max: 10 }), (sizes, most) => {
        const entries = sized(sizes);
        const ids = [...cutChunks(entries, most)].flat();
        return ids.join() === entries.map(({ id }) => id).join();
      }),
    );
  });
});

describe("chunksOf", () => {
  it("goes on from page to page and ends", async () => {
    const all = sized(Array.from({ length: 2_500 }, () => 10));
    const afters: string[] = [];
    const store = {
      page: async (_: unknown, after: string, __: string, limit: number) => {
        afters.push(after);
        return all.filter(({ id }) => Number(id) > Number(after)).slice(0, limit);
      },
    };
    const ids: string[] = [];
    for await (const chunk of chunksOf(store, [], { id: "9999" })) ids.push(...chunk);
    expect(ids).toEqual(all.map(({ id }) => id));
    expect(afters).toEqual(["0", "1000", "2000"]);
  });
});
