import { expect, it } from "vitest";
import { ask, ids, kind, of, peek, places, rate, SLOW, type Start, wish } from "./store-fixture.ts";

/** Limits that become others while jobs run and wait. */
export function kinds(start: Start): void {
  it("gives places to those in line when a rate becomes places", async () => {
    const store = await start();
    const [before, after] = [rate("x", SLOW, 1), places("x", 2)];
    for (const id of ["1", "2", "3"]) await ask(store, wish(id, of(before)));
    expect(ids(await store.tend(after))).toEqual(["2", "3"]);
    expect(await kind(store, wish("2", of(after)))).toBe("admitted");
    expect(await store.states("x", 1)).toMatchObject([{ running: 2, waiting: 0 }]);
    await store.release("me", ["2"]);
    await store.leave(["3"]);
    expect(await store.states("x", 1)).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("hands nothing on of places that became a rate, and counts all who start", async () => {
    const store = await start();
    const [before, after] = [places("x", 2), rate("x", SLOW, 3)];
    for (const id of ["1", "2", "3", "4"]) await ask(store, wish(id, of(before)));
    expect(ids(await store.release("me", ["2"]))).toEqual(["3"]);
    await ask(store, wish("5", of(after, 3)));
    expect(await store.release("me", ["1"])).toEqual([]);
    expect(await store.inLine("4")).toHaveLength(1);
    await store.leave(["5"]);
    const started = new Set<string>();
    for (const id of ["4", "3", "4"])
      if (!started.has(id) && (await kind(store, wish(id, of(after)))) === "admitted")
        started.add(id);
    expect(started.size).toBe(2);
    expect(await store.states("x", 1)).toMatchObject([{ running: undefined, waiting: 0 }]);
    expect(await kind(store, peek(of(after)))).toBe("admitted");
    expect(await kind(store, peek(of(after)))).toBe("refused");
  });

  it("takes one rule for a batch that has two of one bucket", async () => {
    const store = await start();
    const requests = [5, 3, 3, 3, 3].map((burst) => peek(of(rate("r", SLOW, burst))));
    const { answers } = await store.admit("me", requests, []);
    expect(answers.filter((answer) => answer.kind === "admitted")).toHaveLength(3);
  });
}
