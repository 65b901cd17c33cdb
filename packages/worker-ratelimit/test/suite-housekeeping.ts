import { expect, it, onTestFinished, vi } from "vitest";
import {
  ask,
  of,
  peek,
  places,
  rate,
  SLOW,
  type Start,
  type StoreFixture,
  wish,
} from "./store-fixture.ts";

/** What is looked after, set, and told. */
export function housekeeping(start: Start, make: () => Promise<StoreFixture>): void {
  it("finds buckets with a line or an expired place", async () => {
    const store = await start({ leaseMs: 30 });
    expect(await store.busy(["p", "r"], 10)).toEqual([]);
    await ask(store, wish("1", of(places("p", 1, "a"))));
    const expired = [{ limiter: "p", key: "a" }];
    await vi.waitFor(async () => expect(await store.busy(["p", "r"], 10)).toEqual(expired));
    await store.tend(places("p", 1, "a"));
    expect(await store.busy(["p", "r"], 10)).toEqual([]);
    await store.lineUp(rate("r", SLOW, 1), [{ id: "2", units: 1 }]);
    await store.lineUp(rate("s", SLOW, 1), [{ id: "2", units: 1 }]);
    const [first] = await store.busy(["p", "r", "s"], 1);
    await store.tend(rate(first?.limiter ?? "", SLOW, 1));
    const [second] = await store.busy(["p", "r", "s"], 1);
    expect([first?.limiter, second?.limiter].sort()).toEqual(["r", "s"]);
    expect(await store.busy(["s", "t"], 10)).toEqual([{ limiter: "s", key: "" }]);
  });

  it("keeps overrides, and tells other processes", async () => {
    const fixture = await make();
    const [here, there] = [fixture.open(), fixture.open()];
    let heard = 0;
    onTestFinished(await there.listen({ overrides: () => heard++, turns: () => {} }));
    await vi.waitFor(() => expect(heard).toBe(1));
    const set = { limiter: "r", limits: { maxPerSecond: 5 }, actor: "ann", reason: null };
    await here.setOverride({ ...set, key: null });
    await here.setOverride({ ...set, key: "k" });
    await vi.waitFor(() => expect(heard).toBe(3));
    await here.setOverride({ ...set, key: "k", limits: { maxPerSecond: 6 } });
    const all = await there.overrides();
    expect(all.map(({ key }) => key).sort()).toEqual(["k", null]);
    expect(all.find(({ key }) => key === "k")).toMatchObject({
      ...set,
      limits: { maxPerSecond: 6 },
      setAt: expect.any(Date),
    });
    expect(await here.deleteOverride("r", "k", { actor: "ann", reason: null })).toBe(true);
    expect(await here.deleteOverride("r", "k", { actor: "ann", reason: null })).toBe(false);
    expect(await there.overrides()).toMatchObject([{ key: null }]);
  });

  it("tells callers outside jobs that their turn has come", async () => {
    const fixture = await make();
    const [here, there] = [fixture.open(), fixture.open()];
    const heard: string[] = [];
    const turns = (told: readonly string[]) => heard.push(...told);
    onTestFinished(await there.listen({ overrides: () => {}, turns }));
    await ask(here, wish("1", of(places("p", 1))));
    await ask(there, wish("call:x", of(places("p", 1))));
    await here.release("me", ["1"]);
    await vi.waitFor(() => expect(heard).toEqual(["call:x"]));
  });

  it("does not renew a place whose answer got lost", async () => {
    const fixture = await make();
    const [asked, other] = [fixture.open({ leaseMs: 50 }), fixture.open({ leaseMs: 50 })];
    await ask(asked, wish("1", of(places("p", 1))), "me");
    await vi.waitFor(async () => {
      expect(await other.renew("me")).toEqual([]);
      expect((await ask(other, peek(of(places("p", 1))))).answer.kind).toBe("admitted");
    });
  });

  it("has one leader at a time", async () => {
    const store = await start();
    expect(await store.lead("a", "sweep", 60_000)).toBe(true);
    expect(await store.lead("a", "sweep", 60_000)).toBe(true);
    expect(await store.lead("b", "sweep", 60_000)).toBe(false);
    expect(await store.lead("b", "tend", 20)).toBe(true);
    await vi.waitFor(async () => expect(await store.lead("a", "tend", 60_000)).toBe(true));
  });

  it("does not sweep what somebody uses", async () => {
    const store = await start();
    await ask(store, wish("1", of(rate("r", SLOW, 1))));
    await ask(store, wish("2", of(rate("r", SLOW, 1))));
    await ask(store, wish("3", of(places("p", 1))));
    expect(await store.sweep(10)).toBe(0);
    expect(await store.inLine("2")).toHaveLength(1);
  });
}
