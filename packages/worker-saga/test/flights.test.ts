import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { inFlights } from "../src/flights.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Flushes that end when they are told to. */
function startFlights() {
  const clock = createFakeClock();
  const flushes: { readonly items: readonly number[]; readonly end: () => void }[] = [];
  const call = inFlights<number, string>(async (items) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    flushes.push({ items, end: resolve });
    await promise;
    return items.map((item) => (item < 0 ? new Error(`refused ${item}`) : `did ${item}`));
  }, clock);
  const sizes = () => flushes.map(({ items }) => items.length);
  return { clock, flushes, call, sizes };
}

describe("calls", () => {
  it("of one tick share a flush; those that come meanwhile share the next, each with its own answer or error", async () => {
    const { flushes, call, sizes } = startFlights();
    const first = Promise.allSettled([call(1), call(-2)]);
    await turn();
    const later = [call(3), call(4)];
    await turn();
    expect(sizes()).toEqual([2]);
    flushes[0]?.end();
    expect(
      (await first).map((one) => (one.status === "fulfilled" ? one.value : one.reason.message)),
    ).toEqual(["did 1", "refused -2"]);
    await turn();
    expect(sizes()).toEqual([2, 2]);
    flushes[1]?.end();
    expect(await Promise.all(later)).toEqual(["did 3", "did 4"]);
  });

  it("that are many go beside a flush that is under way, in one more and no third", async () => {
    const { call, sizes } = startFlights();
    void call(0);
    await turn();
    for (let n = 0; n < 8; n++) void call(n);
    await turn();
    expect(sizes()).toEqual([1, 8]);
    for (let n = 0; n < 8; n++) void call(n);
    await turn();
    expect(sizes()).toEqual([1, 8]);
  });

  it("behind a flush that is held up do not wait for it", async () => {
    const { clock, flushes, call, sizes } = startFlights();
    void call(0);
    await turn();
    const behind = call(1);
    await turn();
    expect(sizes()).toEqual([1]);
    await clock.advance(20);
    await turn();
    expect(sizes()).toEqual([1, 1]);
    flushes[1]?.end();
    expect(await behind).toBe("did 1");
  });
});
