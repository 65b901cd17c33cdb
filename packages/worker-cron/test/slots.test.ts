import { describe, expect, it } from "vitest";
import { Slots } from "../src/slots.ts";

const at = (text: string) => Date.parse(text);
const list = (rule: Partial<ConstructorParameters<typeof Slots>[0]>, from: string, count: number) =>
  new Slots({ key: "k", cron: "0 9 * * *", timezone: "Europe/Berlin", ...rule })
    .list(at(from), count)
    .map((slot) => new Date(slot).toISOString().slice(0, 16));

describe("a calendar", () => {
  it("leaves out weekends and dates, of each year or of one", () => {
    const calendar = { businessDays: true, exclude: ["12-25", "2026-12-28"] };
    expect(list({ calendar }, "2026-12-23T12:00Z", 3)).toEqual([
      "2026-12-24T08:00",
      "2026-12-29T08:00",
      "2026-12-30T08:00",
    ]);
  });

  it("moves a slot to the same time of the next day that is allowed, once", () => {
    const calendar = { businessDays: true, onExcluded: "next" } as const;
    expect(list({ cron: "0 9 1 * *", calendar }, "2026-07-15T00:00Z", 3)).toEqual([
      "2026-08-03T07:00",
      "2026-09-01T07:00",
      "2026-10-01T07:00",
    ]);
    expect(list({ calendar }, "2026-11-06T00:00Z", 3)).toEqual([
      "2026-11-06T08:00",
      "2026-11-09T08:00",
      "2026-11-10T08:00",
    ]);
    expect(list({ cron: "30 10 * * SAT", calendar }, "2026-11-06T00:00Z", 1)).toEqual([
      "2026-11-09T09:30",
    ]);
  });

  it("passes over excluded days of a schedule by the second at once", () => {
    const calendar = { businessDays: true };
    expect(list({ cron: "* * * * * *", calendar }, "2026-11-06T22:59:59Z", 1)).toEqual([
      "2026-11-08T23:00",
    ]);
  });
});

describe("bounds", () => {
  it("let both ends fire, and nothing beyond", () => {
    const startAt = at("2026-06-02T07:00Z");
    const endAt = at("2026-06-03T07:00Z");
    expect(list({ startAt, endAt }, "2026-01-01T00:00Z", 5)).toEqual([
      "2026-06-02T07:00",
      "2026-06-03T07:00",
    ]);
  });
});
