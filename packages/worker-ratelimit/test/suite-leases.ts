import { expect, it, vi } from "vitest";
import {
  ask,
  granted,
  kind,
  of,
  pause,
  peek,
  rate,
  SLOW,
  type Start,
  wish,
} from "./store-fixture.ts";

/** Units that a process may use without asking. */
export function leases(start: Start): void {
  it("charges a lease as if it were used at its last moment", async () => {
    const store = await start();
    const [lease] = await granted(store, wish("1", of(rate("r", 10, 10), 1, 100)));
    // After 200 ms, eight more fill the second that ten take.
    expect(lease).toMatchObject({ demand: 0, units: 8, forMs: 200, line: undefined });
  });

  it("keeps to the limit when a lease is used at its very end, by an idle bucket's first", async () => {
    const store = await start();
    const bucket = rate("r", 100, 100);
    const askedAt = performance.now();
    const [lease] = await granted(store, wish("1", of(bucket, 1, 80)));
    if (lease === undefined) throw new Error("no lease");
    const endsAt = askedAt + lease.forMs;
    await pause(endsAt - 10 - performance.now());
    const from = performance.now();
    const { answers } = await store.admit("me", Array(100).fill(peek(of(bucket))), []);
    const to = Math.max(endsAt, performance.now());
    const others = answers.filter((answer) => answer.kind === "admitted").length;
    expect(others).toBeGreaterThan(0);
    // Where this machine was slow, the lease had ended before and counts in no window with the others.
    const used = from <= endsAt ? lease.units : 0;
    expect(used + others).toBeLessThanOrEqual(100 + (100 * (to - from)) / 1_000);
  });

  it("grants none that would end at once, nor more than is left", async () => {
    const store = await start();
    expect(await granted(store, wish("1", of(rate("fast", 1_000, 40), 1, 5)))).toEqual([]);
    const bucket = rate("r", SLOW, 5);
    expect(await granted(store, wish("2", of(bucket, 3, 9)))).toMatchObject([{ units: 2 }]);
    expect(await kind(store, peek(of(bucket)))).toBe("refused");
  });

  it("takes back units that were not used", async () => {
    const store = await start();
    const bucket = rate("r", SLOW, 10);
    const [lease] = await granted(store, wish("1", of(bucket, 1, 9)));
    await store.refund([{ bucket, units: 4, grantedAt: lease?.grantedAt ?? 0 }]);
    expect(await kind(store, peek(of(bucket, 5)))).toBe("refused");
    expect(await kind(store, peek(of(bucket, 4)))).toBe("admitted");
  });

  it("does not take back what would hide units charged since", async () => {
    const store = await start();
    const bucket = rate("r", 100, 100);
    const [lease] = await granted(store, wish("1", of(bucket, 1, 20)));
    expect(lease?.units).toBe(20);
    await vi.waitFor(async () => {
      const [state] = await store.states("r", 1);
      expect(state?.utilization).toBe(0);
    });
    // The bucket is empty again: these fill it, and stay.
    await ask(store, wish("2", of(bucket, 100)));
    await store.refund([{ bucket, units: 20, grantedAt: lease?.grantedAt ?? 0 }]);
    expect(await kind(store, peek(of(bucket, 15)))).toBe("refused");
  });

  it("grants those in line their units only, and lets them leave it", async () => {
    const store = await start();
    const bucket = rate("r", 10, 10);
    await ask(store, wish("1", of(bucket, 10)));
    await store.lineUp(
      bucket,
      ["2", "3", "4"].map((id) => ({ id, units: 1 })),
    );
    await store.reset("r", undefined);
    await store.tend(bucket);
    const [lease] = await granted(store, wish("2", of(bucket, 1, 2)));
    expect(lease).toMatchObject({ units: 2, line: [{ id: "3" }, { id: "4" }] });
    const started = ["3", "4"].map((id) => ({ bucket, id }));
    expect(await store.admit("me", [], started)).toEqual({ answers: [], turns: [] });
    expect(await store.states("r", 1)).toMatchObject([{ waiting: 0 }]);
  });

  it("leases what the requests of a batch leave, once a bucket", async () => {
    const store = await start();
    const bucket = rate("r", 1, 10);
    const requests = ["1", "2", "3", "4", "5", "6"].map((id) => wish(id, of(bucket, 1, 9)));
    const { answers } = await store.admit("me", requests, []);
    expect(answers.map((answer) => answer.kind)).toEqual(Array(6).fill("admitted"));
    const units = answers.flatMap((each) =>
      each.kind === "admitted" ? each.leases.map((lease) => lease.units) : [],
    );
    expect(units).toEqual([4]);
  });

  it("takes nothing back of a rate that has become another one since", async () => {
    const store = await start();
    const [before, after] = [rate("r", SLOW, 10), rate("r", 2 * SLOW, 10)];
    const [lease] = await granted(store, wish("1", of(before, 1, 9)));
    const { units = 0, grantedAt = 0 } = lease ?? {};
    expect(await kind(store, wish("2", of(after)))).toBe("waiting");
    await store.refund([{ bucket: before, units, grantedAt }]);
    expect(await kind(store, peek(of(after)))).toBe("refused");
  });

  it("leases to one who starts nothing, of what is left and nobody waits for", async () => {
    const store = await start();
    const bucket = rate("r", 1, 10);
    const ahead = peek(of(bucket, 0, 6));
    const { answer } = await ask(store, ahead);
    expect(answer).toMatchObject({ kind: "admitted", leases: [{ units: 6 }] });
    expect(await store.inLine("peek")).toEqual([]);
    expect(await kind(store, wish("1", of(bucket, 5)))).toBe("waiting");
    await ask(store, ahead);
    expect(await store.states("r", 1)).toMatchObject([{ waiting: 1 }]);
    expect((await store.states("r", 1))[0]?.utilization).toBeLessThan(0.7);
  });
}
