import { expect, it, vi } from "vitest";
import { ask, ids, kind, of, peek, places, rate, SLOW, type Start, wish } from "./store-fixture.ts";

/** Places, by themselves and with other limits. */
export function heldPlaces(start: Start): void {
  it("hands a place that is given back to the first in line, and to nobody else", async () => {
    const store = await start();
    const bucket = places("p", 1);
    expect(await kind(store, wish("1", of(bucket)))).toBe("admitted");
    const waiting = { kind: "waiting", demand: 0, inMs: undefined };
    expect((await ask(store, wish("2", of(bucket)))).answer).toEqual(waiting);
    expect(await kind(store, wish("3", of(bucket)))).toBe("waiting");
    expect(await store.release("other", ["1"])).toEqual([]);
    expect(await store.release("me", ["1"])).toEqual([{ id: "2", inMs: 0 }]);
    expect(await kind(store, wish("3", of(bucket)))).toBe("waiting");
    expect(await kind(store, wish("4", of(bucket)))).toBe("waiting");
    expect(await kind(store, peek(of(bucket)))).toBe("refused");
    expect(await kind(store, wish("2", of(bucket)))).toBe("admitted");
    expect(await store.states("p", 1)).toMatchObject([{ running: 1, waiting: 2, utilization: 1 }]);
    expect(await store.leave(["3"])).toEqual([]);
    expect(await store.release("me", ["2"])).toEqual([{ id: "4", inMs: 0 }]);
    expect(await store.leave(["4"])).toEqual([]);
    expect(await store.states("p", 1)).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("hands a promise on when its owner leaves", async () => {
    const store = await start();
    const bucket = places("p", 1);
    for (const id of ["1", "2", "3"]) await ask(store, wish(id, of(bucket)));
    await store.release("me", ["1"]);
    expect(await store.leave(["2"])).toEqual([{ id: "3", inMs: 0 }]);
  });

  it("gives places of a holder that is gone to the next, and tells it what it lost", async () => {
    const store = await start({ leaseMs: 60 });
    const bucket = places("p", 1);
    await ask(store, wish("1", of(bucket)), "dead");
    expect(await kind(store, wish("2", of(bucket)))).toBe("waiting");
    expect(await store.renew("dead")).toEqual([]);
    const turns = await vi.waitFor(async () => {
      const told = await store.tend(bucket);
      expect(told).not.toEqual([]);
      return told;
    });
    expect(turns).toEqual([{ id: "2", inMs: 0 }]);
    expect(await store.renew("dead")).toEqual(["1"]);
    expect(await store.renew("dead")).toEqual([]);
  });

  it("admits into an expired place without anybody looking after it", async () => {
    const store = await start({ leaseMs: 30 });
    const bucket = places("p", 1);
    await ask(store, wish("1", of(bucket)), "dead");
    await vi.waitFor(async () => expect(await kind(store, peek(of(bucket)))).toBe("admitted"));
  });

  it("never promises a place of somebody who renews it", async () => {
    const store = await start({ leaseMs: 150 });
    const bucket = places("p", 1);
    await ask(store, wish("1", of(bucket)));
    await ask(store, wish("2", of(bucket)));
    const until = performance.now() + 500;
    await vi.waitFor(
      async () => {
        expect(await store.renew("me")).toEqual([]);
        expect(await store.tend(bucket)).toEqual([]);
        expect(performance.now()).toBeGreaterThan(until);
      },
      { timeout: 5_000, interval: 20 },
    );
  });

  it("withdraws promises beyond a lowered capacity, and keeps those who run", async () => {
    const store = await start();
    for (const id of ["1", "2", "3", "4"]) await ask(store, wish(id, of(places("p", 2))));
    expect(ids(await store.release("me", ["2"]))).toEqual(["3"]);
    expect(await store.tend(places("p", 1))).toEqual([]);
    expect(await kind(store, wish("3", of(places("p", 1))))).toBe("waiting");
    expect(await store.inLine("3")).toMatchObject([{ before: 0, turnAt: undefined }]);
    expect(await store.states("p", 1)).toMatchObject([{ running: 1, waiting: 2 }]);
    expect(ids(await store.tend(places("p", 3)))).toEqual(["3", "4"]);
  });
}

/** Several limits at once. */
export function several(start: Start): void {
  it("charges all rates or none", async () => {
    const store = await start();
    const [a, b] = [rate("a", SLOW, 2), rate("b", SLOW, 1)];
    expect(await kind(store, wish("1", of(a), of(b)))).toBe("admitted");
    expect((await ask(store, wish("2", of(a), of(b)))).answer).toMatchObject({ demand: 1 });
    expect(await kind(store, wish("3", of(a)))).toBe("admitted");
  });

  it("waits in the line of the latest turn", async () => {
    const store = await start();
    const [a, b] = [rate("a", 1 / 100, 1), rate("b", SLOW, 1)];
    await ask(store, wish("1", of(a), of(b)));
    const { answer } = await ask(store, wish("2", of(a), of(b)));
    expect(answer).toMatchObject({ kind: "waiting", demand: 1 });
    expect(await store.inLine("2")).toMatchObject([{ limiter: "b" }]);
  });

  it("keeps earlier places while one waits for a later one, and gives them up for a rate", async () => {
    const store = await start();
    const [a, b, r] = [places("a", 1), places("b", 1), rate("r", SLOW, 1)];
    await ask(store, wish("1", of(b), of(r)));
    expect((await ask(store, wish("2", of(a), of(b), of(r)))).answer).toMatchObject({ demand: 1 });
    expect(await kind(store, wish("3", of(a)))).toBe("waiting");
    expect(await store.release("me", ["1"])).toEqual([{ id: "2", inMs: 0 }]);
    const { answer, turns } = await ask(store, wish("2", of(a), of(b), of(r)));
    expect(answer).toMatchObject({ kind: "waiting", demand: 2 });
    expect(turns).toEqual([{ id: "3", inMs: 0 }]);
    expect(await kind(store, wish("3", of(a)))).toBe("admitted");
    expect(await kind(store, wish("4", of(b)))).toBe("admitted");
  });

  it("gives everything back when a run ends", async () => {
    const store = await start();
    const [a, b] = [places("a", 1), places("b", 1)];
    expect(await kind(store, wish("1", of(a), of(b)))).toBe("admitted");
    expect(await kind(store, peek(of(a)))).toBe("refused");
    await store.release("me", ["1"]);
    expect(await kind(store, peek(of(a), of(b)))).toBe("admitted");
  });

  it("leaves lines of limits that a job does not have any more", async () => {
    const store = await start();
    const [old, now] = [rate("old", SLOW, 1), rate("new", SLOW, 1)];
    await ask(store, wish("1", of(old)));
    await ask(store, wish("2", of(old)));
    expect(await kind(store, wish("2", of(now)))).toBe("admitted");
    expect(await store.inLine("2")).toEqual([]);
    expect(await store.states("old", 1)).toMatchObject([{ waiting: 0 }]);
  });

  it("checks two demands of one bucket together", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 3);
    expect(await kind(store, peek(of(bucket, 2), of(bucket, 2)))).toBe("refused");
    expect(await kind(store, peek(of(bucket, 2), of(bucket, 1)))).toBe("admitted");
    expect(await kind(store, peek(of(bucket, 1)))).toBe("refused");
    const [place, other] = [places("p", 1), wish("1", of(places("p", 1)), of(places("p", 1)))];
    expect(await kind(store, other)).toBe("admitted");
    expect(await store.renew("me")).toEqual([]);
    await store.release("me", ["1"]);
    expect(await store.states("p", 1)).toMatchObject([{ running: 0 }]);
    expect(await kind(store, wish("2", of(place)))).toBe("admitted");
  });

  it("gives up places of limits that a job does not have any more", async () => {
    const store = await start();
    const [old, full, now] = [places("o", 1), places("p", 2), rate("r", SLOW, 9)];
    await ask(store, wish("1", of(full)));
    await ask(store, wish("2", of(full)));
    expect(await kind(store, wish("3", of(old), of(full)))).toBe("waiting");
    expect(await kind(store, wish("4", of(old)))).toBe("waiting");
    const { answer, turns } = await ask(store, wish("3", of(now)));
    expect(answer.kind).toBe("admitted");
    expect(ids(turns)).toEqual(["4"]);
  });

  it("says how long one has waited", async () => {
    const store = await start();
    const [place, fast] = [places("p", 1), rate("r", 5, 1)];
    expect((await ask(store, wish("1", of(place)))).answer).toMatchObject({ kind: "admitted" });
    await ask(store, wish("2", of(place)));
    await store.release("me", ["1"]);
    const { answer } = await ask(store, wish("2", of(place)));
    expect(answer.kind === "admitted" && (answer.waitedMs ?? 0) > 0).toBe(true);
    await ask(store, wish("3", of(fast)));
    const told = (await ask(store, wish("4", of(fast)))).answer;
    const inMs = told.kind === "waiting" ? (told.inMs ?? 0) : 0;
    expect(inMs).toBeGreaterThan(0);
    const waitedMs = await vi.waitFor(async () => {
      const late = (await ask(store, wish("4", of(fast)))).answer;
      if (late.kind !== "admitted") throw new Error(`4 is ${late.kind}`);
      return late.waitedMs;
    });
    // A turn may be taken 2 ms early.
    expect(waitedMs).toBeGreaterThanOrEqual(inMs - 2.1);
  });
}
