import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRetryAfter, retryAfterOf } from "../src/retry-after.ts";

const now = Date.UTC(2030, 0, 31, 12, 0, 0);
const SECOND = 1_000;

describe("readRetryAfter", () => {
  it.each([
    ["0", 0],
    [" 120 ", 120 * SECOND],
    [120, 120 * SECOND],
    ["Thu, 31 Jan 2030 12:00:30 GMT", 30 * SECOND],
    ["Thursday, 31-Jan-30 12:00:30 GMT", 30 * SECOND],
    ["Thu Jan 31 12:00:30 2030", 30 * SECOND],
    ["Fri Feb  1 12:00:00 2030", 86_400 * SECOND],
    ["Thu, 31 Jan 2030 11:00:00 GMT", 0],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
  ])("reads %j", (header, afterMs) => {
    expect(readRetryAfter(header, { now })).toBe(afterMs);
  });

  it.each([
    [null],
    [undefined],
    [""],
    ["-1"],
    ["1.5"],
    ["soon"],
    ["2030-01-31T12:00:30Z"],
    ["Thu, 31 Foo 2030 12:00:30 GMT"],
    ["Thu, 31 anF 2030 12:00:30 GMT"],
    ["Thu, 31 Jan 2030 ::::::00 GMT"],
    ["Thu, 31 Jan 2030 12:00:30 CET"],
    [{}],
  ])("takes %j for none", (header) => {
    expect(readRetryAfter(header, { now })).toBeUndefined();
  });

  it("is never below nothing or above the bound, whatever a server sends", () => {
    const anyHeader = fc.oneof(
      fc.string(),
      fc.bigInt({ min: 0n }).map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(anyHeader, fc.integer({ min: 0, max: 1e9 }), (header, max) => {
        const afterMs = readRetryAfter(header, { now, max });
        if (afterMs === undefined) return;
        expect(afterMs).toBeGreaterThanOrEqual(0);
        expect(afterMs).toBeLessThanOrEqual(max);
      }),
    );
  });

  it("reads every date that a server writes", () => {
    const range = { min: new Date("1990-01-01"), max: new Date("2099-12-31"), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const wanted = Math.floor(date.getTime() / SECOND) * SECOND;
        const afterMs = readRetryAfter(date.toUTCString(), { now: 0, max: "1000y" });
        expect(afterMs).toBe(wanted);
      }),
    );
  });

  it("keeps a server to a day unless told otherwise", () => {
    expect(readRetryAfter("31536000", { now })).toBe(86_400 * SECOND);
    expect(readRetryAfter("31536000", { now, max: "2d" })).toBe(2 * 86_400 * SECOND);
  });

  it("reads a date by the server's own clock where the answer has it", () => {
    const header = "Thu, 31 Jan 2030 12:10:00 GMT";
    expect(readRetryAfter(header, { now, date: "Thu, 31 Jan 2030 12:09:00 GMT" })).toBe(
      60 * SECOND,
    );
    expect(readRetryAfter(header, { now, date: "nonsense" })).toBe(600 * SECOND);
  });
});

describe("retryAfterOf", () => {
  it.each([
    ["fetch's Headers", { response: { headers: new Headers({ "retry-after": "7" }) } }],
    ["an object in any case", { response: { headers: { "Retry-After": "7" } } }],
    ["an object of arrays", { response: { headers: { "retry-after": ["7", "8"] } } }],
    ["headers of the error itself", { headers: { "retry-after": 7 } }],
    ["the cause", new Error("x", { cause: { response: { headers: { "retry-after": "7" } } } })],
  ])("reads %s", (_, error) => {
    expect(retryAfterOf(error, { now })).toBe(7 * SECOND);
  });

  const throws = () => {
    throw new Error("no");
  };
  it.each([
    ["nothing", undefined],
    ["a text", "text"],
    ["an error without an answer", new Error("none")],
    ["an answer that is null", { response: null }],
    ["headers that are a text", { response: { headers: "retry-after: 7" } }],
    ["a header that is an object", { response: { headers: { "retry-after": {} } } }],
    ["headers that throw", { response: { headers: { get: throws } } }],
    ["a getter that throws", Object.defineProperty(new Error("x"), "response", { get: throws })],
  ])("finds nothing in %s", (_, error) => {
    expect(retryAfterOf(error, { now })).toBeUndefined();
  });
});
