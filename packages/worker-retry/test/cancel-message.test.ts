import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CancelAnswer,
  type CancelRequest,
  decodeMessage,
  encodeAnswer,
  encodeRequest,
} from "../src/cancel-message.ts";

const anyId = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String);
const anyClaim = fc.record({
  id: anyId,
  pool: fc.string({ maxLength: 30 }),
  lockedAtMs: fc.integer({ min: 0, max: 4e12 }),
});
const decodedAll = (payloads: readonly string[]) =>
  payloads.map((payload) => decodeMessage(payload));

describe("messages of the cancel channel", () => {
  it("carry any number of claims in payloads that PostgreSQL takes", () => {
    const property = fc.property(
      fc.array(anyClaim, { minLength: 1, maxLength: 200 }),
      fc.string({ unit: "binary", maxLength: 600 }),
      (claims, reason) => {
        const payloads = encodeRequest({ kind: "cancel", request: "r", reason, claims });
        for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
        const requests = decodedAll(payloads) as CancelRequest[];
        expect(requests.flatMap((request) => request.claims)).toEqual(claims);
        expect(requests[0]?.reason).toBe(reason.slice(0, 500).toWellFormed());
      },
    );
    fc.assert(property, { numRuns: 20 });
  });

  it("carry any answer", () => {
    const property = fc.property(
      fc.uniqueArray(anyId, { maxLength: 1_000 }),
      fc.nat(),
      (ids, cut) => {
        const told = ids.slice(0, cut % (ids.length + 1));
        const missed = ids.slice(told.length);
        const payloads = encodeAnswer({ kind: "answer", request: "r", told, missed });
        for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
        const answers = decodedAll(payloads) as CancelAnswer[];
        expect(answers.flatMap((answer) => answer.told)).toEqual(told);
        expect(answers.flatMap((answer) => answer.missed)).toEqual(missed);
      },
    );
    fc.assert(property, { numRuns: 20 });
  });

  it.each([
    [undefined],
    [""],
    ["hello"],
    ["null"],
    ["[]"],
    ['{"v":2,"answer":"r","told":[],"missed":[]}'],
    ['{"v":1,"cancel":"r","reason":"x","claims":[["1","p"]]}'],
    ['{"v":1,"answer":"r","told":[1],"missed":[]}'],
  ])("are not %j", (payload) => {
    expect(decodeMessage(payload)).toBeUndefined();
  });
});
