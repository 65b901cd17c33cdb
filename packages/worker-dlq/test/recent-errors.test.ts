import { describe, expect, it } from "vitest";
import { earlierErrors, RecentErrors } from "../src/recent-errors.ts";

describe("RecentErrors", () => {
  it("keeps the last five errors of a job until they are taken", () => {
    const recent = new RecentErrors();
    for (let attempt = 1; attempt <= 7; attempt++) recent.add("1", attempt, `e${attempt}`);
    expect(recent.take("1").map(({ attempt, message }) => `${attempt} ${message}`)).toEqual([
      "3 e3",
      "4 e4",
      "5 e5",
      "6 e6",
      "7 e7",
    ]);
    expect(recent.take("1")).toEqual([]);
  });

  it("forgets the job that failed longest ago when there are too many", () => {
    const recent = new RecentErrors();
    for (let job = 0; job < 1_001; job++) recent.add(String(job), 1, "e");
    expect(recent.size).toBe(1_000);
    expect(recent.take("0")).toEqual([]);
    expect(recent.take("1")).toHaveLength(1);
  });
});

describe("earlierErrors", () => {
  const seen = [{ attempt: 1, message: "first" }];

  it("adds the engine's last error where it is another one", () => {
    expect(earlierErrors(seen, null)).toBe(seen);
    expect(earlierErrors(seen, "first")).toBe(seen);
    expect(earlierErrors(seen, "elsewhere")).toEqual([
      ...seen,
      { attempt: undefined, message: "elsewhere" },
    ]);
  });
});
