import { checkConfig, defineTask } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { type RetryOptions, type RetryTaskOptions, retries } from "../src/index.ts";

const problemsOf = (
  retry: RetryTaskOptions,
  options: RetryOptions = {},
  spec: { maxAttempts?: number } = {},
) =>
  checkConfig({
    connectionString: "postgres://nowhere",
    config: false,
    tasks: [defineTask({ identifier: "work", retry, spec, run: () => {} })],
    plugins: [retries(options)],
  });

describe("checking a configuration with retries", () => {
  it("finds nothing wrong with what makes sense", async () => {
    const backoff = { type: "exponential", base: "1s", cap: "1m" } as const;
    expect(await problemsOf({ backoff, timeout: "1m", expireAfter: "1h", maxAttempts: 5 })).toEqual(
      [],
    );
  });

  it.each<[RetryTaskOptions, string]>([
    [
      { timeout: "2h", expireAfter: "1h" },
      "its timeout of 2h is longer than its expireAfter of 1h: no attempt follows one that times out",
    ],
    [
      { backoff: { type: "exponential", base: "2h" } },
      "its backoff starts with 2h, above its cap of 1h: every wait is the cap",
    ],
    [
      { maxAttempts: 1, backoff: ["1s"] },
      "it has a backoff, but only one attempt: no wait ever comes",
    ],
    [
      { retryOn: ["A", "B"], giveUpOn: ["B", "C"] },
      "B is in retryOn and in giveUpOn: giveUpOn holds",
    ],
  ])("says what makes no sense in %j", async (retry, problem) => {
    expect(await problemsOf(retry)).toEqual([`plugin retry: task "work": ${problem}`]);
  });

  it("sees what a task and the defaults say together", async () => {
    const [problem] = await problemsOf({ timeout: "2h" }, { expireAfter: "1h" });
    expect(problem).toContain("its timeout of 2h is longer than its expireAfter of 1h");
  });

  it("says which of two numbers of attempts holds", async () => {
    expect(await problemsOf({ maxAttempts: 3 }, {}, { maxAttempts: 5 })).toEqual([
      'plugin retry: task "work": spec.maxAttempts is 5 and retry.maxAttempts is 3: the first one holds; leave one out',
    ]);
  });
});
