import { describe, expect, it } from "vitest";
import { deadlineLabel, deadlineOf, readDeadline } from "../src/deadline.ts";

const HOUR = 3_600_000;
const now = Date.UTC(2030, 0, 31, 12);
const policy = { expireAfterMs: HOUR };
const none = { expireAfterMs: undefined };

describe("readDeadline", () => {
  it.each([
    ["2030-01-31T12:00:00Z"],
    ["2030-01-31T12:00:00.000Z"],
    ["2030-01-31T13:00+01:00"],
    ["2030-01-31T13:00:00+0100"],
  ])("reads %s", (label) => {
    expect(readDeadline(label)).toBe(now);
  });

  it.each([
    [""],
    ["tomorrow"],
    ["2030-01-31"],
    ["2030-01-31T12:00:00"],
    ["2030-13-31T12:00:00Z"],
    ["1"],
  ])("takes %j for none: it is no date, or of no zone", (label) => {
    expect(readDeadline(label)).toBeUndefined();
  });
});

describe("deadlineLabel", () => {
  it("counts from when a job is due first", () => {
    expect(deadlineLabel({ labels: {} }, policy, now)).toBe("2030-01-31T13:00:00.000Z");
    const runAt = new Date(now + 24 * HOUR);
    expect(deadlineLabel({ runAt, labels: {} }, policy, now)).toBe("2030-02-01T13:00:00.000Z");
  });

  it("is given anew to a job that comes back from the dead letters too late", () => {
    const labels = { "dlq.requeues": "1", "expires-at": "2030-01-31T11:00:00Z" };
    expect(deadlineLabel({ labels }, policy, now)).toBe("2030-01-31T13:00:00.000Z");
    expect(deadlineLabel({ labels }, none, now)).toBe("never");
    const inTime = { ...labels, "expires-at": "2030-01-31T12:30:00Z" };
    expect(deadlineLabel({ labels: inTime }, policy, now)).toBeUndefined();
    const runAt = new Date(now + HOUR);
    expect(deadlineLabel({ runAt, labels: inTime }, none, now)).toBe("never");
  });

  it("leaves a job that has one, and a task without", () => {
    const labels = { "expires-at": "2031-01-01T00:00:00Z" };
    expect(deadlineLabel({ labels }, policy, now)).toBeUndefined();
    expect(deadlineLabel({ labels: {} }, none, now)).toBeUndefined();
  });
});

describe("deadlineOf", () => {
  const job = { run_at: new Date(now) };

  it("is never for a job that says so", () => {
    expect(deadlineOf(job, { "expires-at": "never" }, policy)).toBe(Number.POSITIVE_INFINITY);
  });

  it("goes by the label, then by when the row was due last", () => {
    expect(deadlineOf(job, { "expires-at": "2030-01-31T12:30:00Z" }, policy)).toBe(now + HOUR / 2);
    expect(deadlineOf(job, {}, policy)).toBe(now + HOUR);
    expect(deadlineOf(job, { "expires-at": "tomorrow" }, policy)).toBe(now + HOUR);
    expect(deadlineOf(job, {}, none)).toBeUndefined();
  });
});
