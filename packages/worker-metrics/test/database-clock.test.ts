import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DatabaseClock } from "../src/database-clock.ts";

const START = Date.UTC(2026, 0, 1);

describe("DatabaseClock", () => {
  it("does not know the time before its first reading", () => {
    expect(new DatabaseClock(() => 5).now()).toBeNaN();
  });

  it("takes the middle of the round trip for the moment of the answer", () => {
    let local = 100;
    const clock = new DatabaseClock(() => local);
    clock.read({ sentAt: 90, receivedAt: 100, databaseMs: START });
    expect(clock.now()).toBe(START + 5);
    local = 200;
    expect(clock.now()).toBe(START + 105);
  });

  it("keeps the reading with the shorter round trip", () => {
    const clock = new DatabaseClock(() => 100);
    clock.read({ sentAt: 98, receivedAt: 100, databaseMs: START + 99 });
    clock.read({ sentAt: 50, receivedAt: 100, databaseMs: START + 60 });
    expect(clock.now()).toBe(START + 100);
  });

  it("takes a worse reading once drift has made the old one worse still", () => {
    let local = 100;
    const clock = new DatabaseClock(() => local);
    clock.read({ sentAt: 98, receivedAt: 100, databaseMs: START + 99 });
    local += 60_000;
    clock.read({ sentAt: local - 10, receivedAt: local, databaseMs: START + local });
    expect(clock.now()).toBe(START + local + 5);
  });

  it("follows a database's clock that was set", () => {
    const clock = new DatabaseClock(() => 100);
    clock.read({ sentAt: 98, receivedAt: 100, databaseMs: START });
    clock.read({ sentAt: 0, receivedAt: 100, databaseMs: START + 3_600_000 });
    expect(clock.now()).toBe(START + 3_600_050);
  });

  it("is never wrong by more than it says, whatever the network does", () => {
    const reading = fc.record({
      pause: fc.double({ min: 0, max: 120_000, noNaN: true }),
      there: fc.double({ min: 0, max: 2_000, noNaN: true }),
      back: fc.double({ min: 0, max: 2_000, noNaN: true }),
    });
    const skews = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    const drifts = fc.double({ min: -0.0001, max: 0.0001, noNaN: true });
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1 }), skews, drifts, (readings, skew, drift) => {
        let local = 0;
        const database = (at: number) => START + skew + at * (1 + drift);
        const clock = new DatabaseClock(() => local);
        for (const { pause, there, back } of readings) {
          const sentAt = local + pause;
          local = sentAt + there + back;
          clock.read({ sentAt, receivedAt: local, databaseMs: database(sentAt + there) });
          // Drift during the round trip, and the numbers' own precision.
          const slack = (there + back) * 0.0001 + 0.01;
          expect(Math.abs(clock.now() - database(local))).toBeLessThanOrEqual(
            clock.errorMs() + slack,
          );
        }
      }),
    );
  });
});
