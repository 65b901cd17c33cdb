import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { healthOf } from "../src/health.ts";
import { Heartbeat } from "../src/heartbeat.ts";

/** A heartbeat on a store in memory. */
const setUp = () => {
  const clock = createFakeClock();
  const alive = new Set<string>();
  const log: string[] = [];
  let fails = false;
  const fail = (value: boolean) => {
    fails = value;
  };
  const answer = async <T>(what: string, value: () => T): Promise<T> => {
    log.push(what);
    if (fails) throw new Error("the database is away");
    return value();
  };
  const heartbeat = new Heartbeat({
    heartbeatMs: 1_000,
    deadAfterMs: 4_000,
    clock,
    store: {
      join: (pool) => answer(`join ${pool}`, () => void alive.add(pool)),
      leave: (pool) => answer(`leave ${pool}`, () => void alive.delete(pool)),
      beat: (pools) => answer(`beat ${pools}`, () => pools.filter((pool) => alive.has(pool))),
    },
    onLost: ({ pool }) => log.push(`lost ${pool}`),
    onError: () => log.push("error"),
    onBeat: () => log.push("beaten"),
  });
  const told = () => log.splice(0);
  return { clock, heartbeat, alive, told, fail };
};

describe("Heartbeat", () => {
  it("beats for its pools in one statement, once a heartbeat at the least", async () => {
    const { clock, heartbeat, told } = setUp();
    await heartbeat.join("a");
    await heartbeat.join("b");
    await clock.advance("1s");
    expect(told()).toEqual(["join a", "join b", "beat a,b", "beaten"]);
    await clock.advance("10s");
    const beats = told().filter((line) => line === "beaten").length;
    expect(beats).toBeGreaterThanOrEqual(10);
    expect(beats).toBeLessThanOrEqual(14);
  });

  it("deregisters a pool that has ended, and stops with the last one", async () => {
    const { clock, heartbeat, told } = setUp();
    await heartbeat.join("a");
    await heartbeat.join("b");
    await heartbeat.leave("a");
    await clock.advance("1s");
    expect(told()).toEqual(["join a", "join b", "leave a", "beat b", "beaten"]);
    await heartbeat.leave("b");
    expect(clock.pending).toBe(0);
    await heartbeat.join("c");
    await clock.advance("1s");
    expect(told()).toEqual(["leave b", "join c", "beat c", "beaten"]);
  });

  it("tells once of a pool that the database does not know any more, and beats no more for it", async () => {
    const { clock, heartbeat, alive, told } = setUp();
    await heartbeat.join("a");
    alive.delete("a");
    await clock.advance("3s");
    expect(told().filter((line) => line !== "beaten")).toEqual(["join a", "beat a", "lost a"]);
    expect(heartbeat.lease("a")?.isHeld()).toBe(false);
    expect(healthOf(heartbeat)).toMatchObject({ status: "down" });
    await heartbeat.join("b");
    expect(healthOf(heartbeat)).toMatchObject({ status: "degraded" });
    await heartbeat.leave("a");
    expect(healthOf(heartbeat)).toEqual({ status: "ok" });
  });

  it("tells once of an outage, beats more often, and goes on after it", async () => {
    const { clock, heartbeat, told, fail } = setUp();
    await heartbeat.join("a");
    fail(true);
    await clock.advance("3s");
    const lines = told();
    expect(lines.filter((line) => line === "error")).toHaveLength(1);
    expect(lines.filter((line) => line === "beat a").length).toBeGreaterThan(5);
    expect(healthOf(heartbeat)).toMatchObject({ status: "degraded" });
    await clock.advance("2s");
    expect(healthOf(heartbeat)).toMatchObject({ status: "down" });
    fail(false);
    await clock.advance("1s");
    expect(healthOf(heartbeat)).toEqual({ status: "ok" });
    expect(heartbeat.lease("a")?.isHeld()).toBe(true);
  });

  it("is no witness of others' silence while, and just after, the database is away", async () => {
    const { clock, heartbeat, fail } = setUp();
    expect(heartbeat.witnessMs()).toBe(0);
    await heartbeat.join("a");
    const atStart = heartbeat.witnessMs();
    fail(true);
    await clock.advance("2s");
    expect(heartbeat.witnessMs()).toBe(0);
    fail(false);
    await clock.advance("2s");
    expect(heartbeat.witnessMs()).toBeGreaterThan(atStart);
  });

  it("shares one statement among those who ask at the same time", async () => {
    const { heartbeat, told } = setUp();
    await heartbeat.join("a");
    await Promise.all([heartbeat.beat(), heartbeat.beat(), heartbeat.beat()]);
    expect(told()).toEqual(["join a", "beat a", "beaten"]);
  });

  it("takes no pool that left for lost because of a beat that was under way", async () => {
    const { heartbeat, told } = setUp();
    await heartbeat.join("a");
    const beat = heartbeat.beat();
    await Promise.all([heartbeat.leave("a"), beat]);
    expect(told()).not.toContain("lost a");
  });

  it("deregisters a pool that ended while the database was away once it is back", async () => {
    const { clock, heartbeat, alive, told, fail } = setUp();
    await heartbeat.join("a");
    await heartbeat.join("b");
    fail(true);
    await expect(heartbeat.leave("a")).rejects.toThrow("away");
    fail(false);
    await clock.advance("1s");
    expect(told().slice(-3)).toEqual(["beat b", "beaten", "leave a"]);
    expect([...alive]).toEqual(["b"]);
    await clock.advance("1s");
    expect(told()).not.toContain("leave a");
  });

  it("stops for good", async () => {
    const { clock, heartbeat, told } = setUp();
    await heartbeat.join("a");
    heartbeat.stop();
    await clock.advance("10s");
    expect(told()).toEqual(["join a"]);
  });
});
