import { expect, it, vi } from "vitest";
import { ask, ids, kind, of, peek, places, rate, SLOW, type Start, wish } from "./store-fixture.ts";

/** Rates and their lines. */
export function rates(start: Start): void {
  it("admits the burst, then tells turns one after another", async () => {
    const store = await start();
    const requests = ["1", "2", "3", "4", "5"].map((id) => wish(id, of(rate("r", SLOW, 3))));
    const { answers, turns } = await store.admit("me", requests, []);
    expect(answers.map((answer) => answer.kind)).toEqual([
      ...Array(3).fill("admitted"),
      ...Array(2).fill("waiting"),
    ]);
    expect(answers.slice(3)).toEqual([
      { kind: "waiting", demand: 0, inMs: 1_000_000 },
      { kind: "waiting", demand: 0, inMs: 2_000_000 },
    ]);
    expect(turns).toEqual([]);
    expect(await store.states("r", 9)).toMatchObject([
      { limiter: "r", key: "", waiting: 2, running: undefined },
    ]);
  });

  it("counts weights, and never admits more units than the burst", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 10);
    expect(await kind(store, wish("1", of(bucket, 7)))).toBe("admitted");
    expect(await kind(store, peek(of(bucket, 4)))).toBe("refused");
    expect(await kind(store, peek(of(bucket, 3)))).toBe("admitted");
    expect(await kind(store, peek(of(bucket, 1)))).toBe("refused");
  });

  it("keeps keys apart", async () => {
    const store = await start();
    expect(await kind(store, wish("1", of(rate("r", SLOW, 1, "a"))))).toBe("admitted");
    expect(await kind(store, wish("2", of(rate("r", SLOW, 1, "b"))))).toBe("admitted");
    expect(await kind(store, wish("3", of(rate("r", SLOW, 1, "a"))))).toBe("waiting");
  });

  it("sends one that comes late to the end, though there is room", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 2);
    await ask(store, wish("1", of(bucket)));
    expect(await kind(store, wish("2", of(bucket, 2)))).toBe("waiting");
    expect(await kind(store, wish("3", of(bucket)))).toBe("waiting");
    expect(await kind(store, peek(of(bucket)))).toBe("refused");
    expect(await store.inLine("3")).toMatchObject([
      { limiter: "r", key: "", before: 1, turnAt: expect.any(Date) },
    ]);
    await store.leave(["2"]);
    expect(await kind(store, wish("3", of(bucket)))).toBe("admitted");
    expect(await store.inLine("3")).toEqual([]);
  });

  it("admits those in line at their turns, in their order, and not before", async () => {
    const store = await start();
    // One that is later than a unit's 250 ms is not waited for.
    const bucket = rate("r", 4, 1);
    await ask(store, wish("0", of(bucket)));
    await store.lineUp(bucket, [
      { id: "1", units: 1 },
      { id: "2", units: 1 },
      { id: "3", units: 1 },
    ]);
    const order: string[] = [];
    await vi.waitFor(
      async () => {
        const left = ["3", "2", "1"].filter((id) => !order.includes(id));
        const { answers } = await store.admit(
          "me",
          left.map((id) => wish(id, of(bucket))),
          [],
        );
        order.push(...left.filter((_, index) => answers[index]?.kind === "admitted"));
        expect(order).toHaveLength(3);
      },
      { timeout: 5_000, interval: 5 },
    );
    expect(order).toEqual(["1", "2", "3"]);
    expect(await store.states("r", 1)).toMatchObject([{ waiting: 0 }]);
  });

  it("tells one in line its turn again, and keeps where it stands", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 1);
    await ask(store, wish("1", of(bucket)));
    for (const id of ["2", "3", "2"]) await ask(store, wish(id, of(bucket)));
    const { answer } = await ask(store, wish("3", of(bucket)));
    expect(answer).toMatchObject({ kind: "waiting" });
    expect((answer as { inMs: number }).inMs).toBeGreaterThan(1_900_000);
    expect(await store.inLine("2")).toMatchObject([{ before: 0 }]);
    expect(await store.inLine("3")).toMatchObject([{ before: 1 }]);
  });

  it("takes nothing for a peek that is refused, nor for one that would wait too long", async () => {
    const store = await start();
    const [full, free, place] = [rate("a", SLOW, 1), rate("b", SLOW, 1), places("p", 1)];
    await ask(store, wish("1", of(full)));
    const demands = [of(place), of(full), of(free)];
    expect((await ask(store, peek(...demands))).answer).toMatchObject({
      kind: "refused",
      demand: 1,
    });
    const { answer } = await ask(store, { ...wish("2", ...demands), maxWaitMs: 5_000 });
    expect(answer).toMatchObject({ kind: "refused", demand: 1 });
    expect(await store.inLine("2")).toEqual([]);
    expect(await kind(store, peek(of(place), of(free)))).toBe("admitted");
  });

  it("lines up thousands in order, each once; those in line keep their turn", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 1);
    await ask(store, wish("x", of(bucket)));
    await ask(store, wish("7", of(bucket)));
    const entries = Array.from({ length: 5_000 }, (_, index) => ({ id: `${index}`, units: 2 }));
    const turns = await store.lineUp(bucket, [...entries, { id: "3", units: 9 }]);
    const inMs = new Map(turns.map((turn) => [turn.id, turn.inMs]));
    expect(inMs.size).toBe(5_000);
    expect(inMs.get("7")).toBeLessThanOrEqual(1_000_000);
    expect(inMs.get("0")).toBeGreaterThan(2_900_000);
    expect((inMs.get("4999") ?? 0) - (inMs.get("0") ?? 0)).toBeCloseTo(4_998 * 2_000_000, 0);
    expect(await store.states("r", 1)).toMatchObject([{ waiting: 5_000 }]);
    expect(await store.inLine("4999")).toMatchObject([{ before: 4_999 }]);
  }, 20_000);

  it("moves those in line to what a changed limit says", async () => {
    const store = await start();
    const [slow, fast] = [rate("r", SLOW, 1), rate("r", 1_000_000, 2_000_000)];
    await ask(store, wish("1", of(slow)));
    const two = [
      { id: "2", units: 1 },
      { id: "3", units: 1 },
    ];
    expect(ids(await store.lineUp(slow, two))).toEqual(["2", "3"]);
    expect(await store.tend(slow)).toEqual([]);
    expect(await store.tend(fast)).toEqual([
      { id: "2", inMs: 0 },
      { id: "3", inMs: 0 },
    ]);
    expect(await store.tend(fast)).toEqual([]);
    const lowered = await store.tend(slow);
    // What was spent is earned again by now: the first in line may start, at any rate.
    expect(ids(lowered)).toEqual(["3"]);
    for (const { inMs } of lowered) expect(inMs).toBeGreaterThan(900_000);
  });

  it("forgets what was counted when it is reset; the line stays", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 1);
    await ask(store, wish("1", of(bucket)));
    await ask(store, wish("2", of(bucket)));
    expect(await store.reset("other", undefined)).toBe(0);
    expect(await store.reset("r", "")).toBe(1);
    expect(await kind(store, wish("3", of(bucket)))).toBe("waiting");
    expect(ids(await store.tend(bucket))).toEqual(["2"]);
    expect(await kind(store, wish("2", of(bucket)))).toBe("admitted");
  });

  it("keeps what was spent when the rate changes, but no more than the new burst", async () => {
    const store = await start();
    const [wide, narrow] = [rate("r", SLOW, 10), rate("r", SLOW / 2, 2)];
    await ask(store, wish("1", of(wide, 8)));
    expect(await kind(store, peek(of(narrow)))).toBe("refused");
    // Its debt is that of the new burst, not of the old one.
    const { answer } = await ask(store, wish("2", of(narrow)));
    expect(answer.kind === "waiting" && (answer.inMs ?? 0) <= 2_000_000).toBe(true);
  });

  it("lets two who define it differently start no more together than the wider one", async () => {
    const store = await start();
    const [wide, narrow] = [rate("r", SLOW, 10), rate("r", SLOW, 2)];
    let started = 0;
    for (let round = 0; round < 20; round++)
      for (const bucket of [wide, narrow])
        if ((await kind(store, peek(of(bucket)))) === "admitted") started += 1;
    expect(started).toBe(10);
  });

  it("does not overtake one whose turn has only come", async () => {
    const store = await start();
    // A unit takes 250 ms.
    const bucket = rate("r", 4, 1);
    await ask(store, wish("1", of(bucket)));
    await ask(store, wish("2", of(bucket)));
    const { answer } = await ask(store, wish("3", of(bucket)));
    const turnInMs = answer.kind === "waiting" ? (answer.inMs ?? 0) : 0;
    expect(turnInMs).toBeGreaterThan(300);
    // Until the turn of 2 is a unit late, 3 waits for it; then 3 goes.
    const from = performance.now();
    await vi.waitUntil(async () => (await kind(store, wish("3", of(bucket)))) === "admitted", {
      timeout: 5_000,
      interval: 10,
    });
    expect(performance.now() - from).toBeGreaterThan(turnInMs - 20);
  });
}
