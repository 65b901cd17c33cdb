import { describe, expect, it } from "vitest";
import { waitSeconds } from "../src/wait.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);

describe("waitSeconds", () => {
  it("is due until claimed while the database's clock is not known", () => {
    expect(waitSeconds({ run_at: at(0), locked_at: at(2) }, Number.NaN)).toBe(2);
  });

  it("adds the time from the claim to the start", () => {
    expect(waitSeconds({ run_at: at(0), locked_at: at(2) }, at(5).getTime())).toBe(5);
  });

  it("does not let a clock that is behind take away from due until claimed", () => {
    expect(waitSeconds({ run_at: at(0), locked_at: at(2) }, at(-500).getTime())).toBe(2);
  });

  it("is never negative", () => {
    expect(waitSeconds({ run_at: at(9), locked_at: at(2) }, at(5).getTime())).toBe(0);
    expect(waitSeconds({ run_at: at(9), locked_at: null }, Number.NaN)).toBe(0);
  });
});
