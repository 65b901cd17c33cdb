import type {
  AdmitAnswer,
  AdmitRequest,
  Admitted,
  Bucket,
  Demand,
  Lease,
  RateLimitStore,
} from "../src/store.ts";

/** Storage of its own. */
export interface StoreFixture {
  /** The store as one more process has it; ends with the test. */
  open(options?: { readonly leaseMs?: number }): RateLimitStore;
}

export const rate = (limiter: string, perSecond: number, burst: number, key = ""): Bucket => ({
  limiter,
  key,
  rule: { kind: "rate", unitMs: 1_000 / perSecond, burst },
});
export const places = (limiter: string, capacity: number, key = ""): Bucket => ({
  limiter,
  key,
  rule: { kind: "places", capacity },
});
export const of = (bucket: Bucket, units = 1, lease = 0): Demand => ({ bucket, units, lease });
export const wish = (id: string, ...demands: Demand[]): AdmitRequest => ({
  id,
  demands,
  isPeek: false,
  maxWaitMs: Number.POSITIVE_INFINITY,
});
export const peek = (...demands: Demand[]): AdmitRequest => ({
  ...wish("peek", ...demands),
  isPeek: true,
});

export async function ask(
  store: RateLimitStore,
  request: AdmitRequest,
  holder = "me",
): Promise<{ readonly answer: AdmitAnswer; readonly turns: Admitted["turns"] }> {
  const { answers, turns } = await store.admit(holder, [request], []);
  return { answer: answers[0] as AdmitAnswer, turns };
}
export const kind = async (store: RateLimitStore, request: AdmitRequest, holder?: string) =>
  (await ask(store, request, holder)).answer.kind;
export const ids = (turns: readonly { readonly id: string }[]) => turns.map(({ id }) => id);

/** So slow that nothing comes back during a test: a unit takes 1,000 s. */
export const SLOW = 1 / 1_000;

export async function granted(
  store: RateLimitStore,
  request: AdmitRequest,
): Promise<readonly Lease[]> {
  const { answer } = await ask(store, request);
  if (answer.kind !== "admitted") throw new Error(`${request.id} is ${answer.kind}, not admitted`);
  return answer.leases;
}

/** Opens a store on storage of its own. */
export type Start = (options?: { readonly leaseMs?: number }) => Promise<RateLimitStore>;

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
