import { describe, expect, it, vi } from "vitest";
import { initialRecord } from "../src/record.ts";
import type { BreakerStore, Change } from "../src/store.ts";
import type { Transition } from "../src/transition.ts";

/** Stores of several processes, on one server. */
export interface StoreGround {
  /** A store as a process of its own has it; stopped with the test. */
  open(): BreakerStore;
}

const OPENED: Transition = {
  dependency: "smtp",
  at: new Date("2026-03-01T10:00:00.000Z"),
  from: "closed",
  to: "open",
  generation: 2,
  reason: "5 failures",
  actor: undefined,
  lastError: 'it said "no" \\ ünï',
  nextProbe: new Date("2026-03-01T10:00:30.000Z"),
};

/** What every store has to do. */
export function testStore(name: string, ground: () => Promise<StoreGround>): void {
  /** Adds one to the circuit's openings, atomically. */
  const count = (store: BreakerStore, dependency = "smtp", announce = false) =>
    store.change(dependency, (current, now): Change<number> => {
      const record = current ?? initialRecord(now);
      const openings = record.openings + 1;
      const next = { ...record, version: record.version + 1, openings };
      return { record: next, transitions: [], announce, value: openings };
    });

  describe(`${name}, as a store of circuits`, () => {
    it("leaves out circuits that nothing has happened to, and tells the time", async () => {
      const store = (await ground()).open();
      const before = Date.now();
      const { now, records } = await store.read(["smtp", "crm"]);
      expect(records.size).toBe(0);
      expect(Math.abs(now - before)).toBeLessThan(5_000);
    });

    it("gives back what was stored, to every process", async () => {
      const { open } = await ground();
      const [one, other] = [open(), open()];
      const seen: unknown[] = [];
      const record = { ...initialRecord(1_000), lastError: OPENED.lastError ?? null, version: 9 };
      await one.change("smtp", (current) => {
        seen.push(current);
        return { record, transitions: [], announce: false, value: undefined };
      });
      expect(seen.at(-1)).toBeUndefined();
      expect((await other.read(["smtp", "crm"])).records).toEqual(new Map([["smtp", record]]));
      await other.change("smtp", (current) => {
        seen.push(current);
        return { record: undefined, transitions: [], announce: false, value: undefined };
      });
      expect(seen.at(-1)).toEqual(record);
    });

    it("changes a circuit atomically, however many processes do it at once", async () => {
      const { open } = await ground();
      const stores = [open(), open(), open(), open()];
      const each = stores.flatMap((store) => Array.from({ length: 10 }, () => count(store)));
      const values = (await Promise.all(each)).map(({ value }) => value);
      expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    });

    it("stores nothing when the change throws", async () => {
      const store = (await ground()).open();
      await count(store);
      const failing = store.change("smtp", () => {
        throw new Error("no change");
      });
      await expect(failing).rejects.toThrow("no change");
      expect((await count(store)).value).toBe(2);
    });

    it("tells every process of announced changes, and only of those", async () => {
      const { open } = await ground();
      const [one, other] = [open(), open()];
      const heard: string[] = [];
      const alive = vi.fn();
      await other.listen({ onChange: (dependency) => heard.push(dependency), onAlive: alive });
      await vi.waitUntil(() => other.isListening);
      expect(alive).toHaveBeenCalled();
      await count(one, "quiet");
      await count(one, "smtp", true);
      await vi.waitUntil(() => heard.length > 0);
      expect(heard).toEqual(["smtp"]);
      await other.stop();
      expect(other.isListening).toBe(false);
    });

    it("keeps transitions, newest first, by dependency", async () => {
      const store = (await ground()).open();
      const add = (transition: Transition) =>
        store.change(transition.dependency, (current, now) => ({
          record: current ?? initialRecord(now),
          transitions: [transition],
          announce: false,
          value: undefined,
        }));
      const now = new Date();
      await add({ ...OPENED, at: now });
      await add({ ...OPENED, at: now, dependency: "crm", actor: "ada", nextProbe: undefined });
      await add({ ...OPENED, at: now, to: "half-open", generation: 3 });
      const all = await store.history(undefined, 10);
      expect(all.map(({ dependency, to }) => [dependency, to])).toEqual([
        ["smtp", "half-open"],
        ["crm", "open"],
        ["smtp", "open"],
      ]);
      expect(all[1]).toEqual({
        ...OPENED,
        at: now,
        dependency: "crm",
        actor: "ada",
        nextProbe: undefined,
      });
      expect(await store.history("smtp", 10)).toHaveLength(2);
      expect(await store.history(undefined, 1)).toHaveLength(1);
    });

    it("forgets transitions that are too old, with the next one", async () => {
      const store = (await ground()).open();
      const add = (at: Date) =>
        store.change("smtp", (current, now) => ({
          record: current ?? initialRecord(now),
          transitions: [{ ...OPENED, at }],
          announce: false,
          value: undefined,
        }));
      const now = new Date();
      await add(new Date("2020-01-01"));
      await add(now);
      await add(now);
      expect((await store.history("smtp", 10)).map(({ at }) => at)).toEqual([now, now]);
    });

    it("lets one process lead, until its lease ends or it resigns", async () => {
      const { open } = await ground();
      const [one, other] = [open(), open()];
      await count(one);
      expect(await one.lead("smtp", "one", 60_000)).toMatchObject({ leads: true });
      expect(await one.lead("smtp", "one", 60_000)).toMatchObject({ leads: true });
      const refused = await other.lead("smtp", "other", 60_000);
      expect(refused.leads).toBe(false);
      expect(refused.leftMs).toBeGreaterThan(50_000);
      await other.resign("smtp", "other");
      expect((await other.lead("smtp", "other", 60_000)).leads).toBe(false);
      await one.resign("smtp", "one");
      expect((await other.lead("smtp", "other", 20)).leads).toBe(true);
      await vi.waitUntil(async () => (await one.lead("smtp", "one", 60_000)).leads);
    });
  });
}
