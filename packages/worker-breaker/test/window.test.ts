import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSettings } from "../src/settings.ts";
import { addToWindow, bucketStart, emptyWindow, isCalm, tallyOf } from "../src/window.ts";

const T = 1_800_000_000_000;

describe("a window of time", () => {
  it("holds what happened within it, to a tenth of it", () => {
    const settings = toSettings({ window: { time: "10s" } });
    fc.assert(
      fc.property(fc.array(fc.nat(3_000), { maxLength: 80 }), (waits) => {
        let now = T;
        let window = emptyWindow(settings);
        const times: number[] = [];
        for (const wait of waits) {
          now += wait;
          times.push(now);
          const at = bucketStart(now, settings.window);
          window = addToWindow(window, [{ at, calls: 1, failed: 1, slow: 0 }], settings, now);
          const within = (ms: number) => times.filter((time) => time > now - ms).length;
          const { failed } = tallyOf(window);
          expect(failed).toBeGreaterThanOrEqual(within(9_000));
          expect(failed).toBeLessThanOrEqual(within(10_001));
          expect(window.kind === "time" && window.buckets.length).toBeLessThanOrEqual(11);
        }
      }),
    );
  });
});

describe("a window of calls", () => {
  it("holds the last calls, those of one report with successes first", () => {
    const settings = toSettings({ window: { calls: 4 } });
    const add = (window: ReturnType<typeof emptyWindow>, calls: number, failed: number) =>
      addToWindow(window, [{ at: 0, calls, failed, slow: 0 }], settings, T);
    const first = add(emptyWindow(settings), 3, 2);
    expect(first).toEqual({ kind: "calls", outcomes: ".ff" });
    expect(add(first, 2, 0)).toEqual({ kind: "calls", outcomes: "ff.." });
    expect(isCalm(add(first, 1_000_000, 0))).toBe(true);
  });
});

it("starts anew where the kind of window has changed", () => {
  const byCalls = toSettings({ window: { calls: 4 } });
  const byTime = toSettings({});
  const window = addToWindow(
    emptyWindow(byCalls),
    [{ at: 0, calls: 1, failed: 1, slow: 0 }],
    byCalls,
    T,
  );
  expect(tallyOf(addToWindow(window, [], byTime, T)).calls).toBe(0);
});
