import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import { Admission } from "../src/admission.ts";
import { isLimitStoreError } from "../src/errors.ts";
import type { Admitted, Bucket, RateLimitStore } from "../src/store.ts";

const places: Bucket = { limiter: "p#places", key: "", rule: { kind: "places", capacity: 1 } };
const rate: Bucket = { limiter: "r", key: "", rule: { kind: "rate", unitMs: 1, burst: 1_000 } };
const group = (bucket: Bucket) => ({
  demands: [{ bucket, units: 1, lease: 0 }],
  hasPlaces: bucket.rule.kind === "places",
});
const wish = (id: string, bucket: Bucket) => ({
  id,
  group: group(bucket),
  isPeek: false,
  maxWaitMs: Number.POSITIVE_INFINITY,
});
const admitted = (count: number): Admitted => ({
  answers: Array.from({ length: count }, () => ({ kind: "admitted", leases: [] })),
  turns: [],
});

function admission(store: Partial<RateLimitStore>) {
  const watch = { assertThere: vi.fn(), answered: vi.fn(), failed: vi.fn() };
  const onError = vi.fn();
  const clock = createFakeClock();
  const made = new Admission({
    store: { release: async () => [], refund: async () => {}, ...store } as RateLimitStore,
    clock,
    holder: "me",
    timeoutMs: 30,
    watch,
    onTurns: () => {},
    onError,
  });
  return { admission: made, watch, onError, clock };
}

describe("Admission", () => {
  it("asks once for all that ask at the same moment", async () => {
    const admit = vi.fn<RateLimitStore["admit"]>(async (_, requests) => admitted(requests.length));
    const { admission: mine } = admission({ admit });
    await Promise.all(["1", "2", "3"].map((id) => mine.admit(wish(id, rate))));
    expect(admit).toHaveBeenCalledTimes(1);
    expect(admit.mock.calls[0]?.[1].map(({ id }) => id)).toEqual(["1", "2", "3"]);
  });

  it("does not ask where a lease covers it, and tells who left a line by it with the next request", async () => {
    const line = [{ id: "2", waitedMs: 5 }];
    const admit = vi.fn<RateLimitStore["admit"]>(async () => ({
      answers: [
        {
          kind: "admitted",
          leases: [{ demand: 0, units: 1, forMs: 200, grantedAt: 0, line }],
        },
      ],
      turns: [],
    }));
    const { admission: mine } = admission({ admit });
    await mine.admit(wish("1", rate));
    expect(mine.admit(wish("2", rate))).toMatchObject({ kind: "admitted", waitedMs: 5 });
    await mine.admit(wish("3", rate));
    expect(admit).toHaveBeenCalledTimes(2);
    expect(admit.mock.calls[1]?.[2]).toEqual([{ bucket: rate, id: "2" }]);
  });

  it("gives back places that an answer grants which came too late", async () => {
    const answer = Promise.withResolvers<Admitted>();
    const release = vi.fn<RateLimitStore["release"]>(async () => []);
    const { admission: mine, watch } = admission({ admit: () => answer.promise, release });
    const asked = Promise.resolve(mine.admit(wish("1", places))).catch((error: unknown) => error);
    expect(isLimitStoreError(await asked)).toBe(true);
    expect(watch.failed).toHaveBeenCalledTimes(1);
    answer.resolve(admitted(1));
    await vi.waitUntil(() => release.mock.calls.length === 1);
    expect(release.mock.calls[0]).toEqual(["me", ["1"]]);
  });

  it("waits at its stop for what is given back, and reports what could not be", async () => {
    const release = vi.fn(async () => {
      throw new Error("away");
    });
    const { admission: mine, onError } = admission({
      admit: async () => admitted(1),
      release,
    });
    await mine.admit(wish("1", places));
    void mine.release("1");
    await mine.stop();
    expect(onError).toHaveBeenCalledTimes(1);
  });
});
