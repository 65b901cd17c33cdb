import {
  checkConfig,
  createWorker,
  defineTask,
  isConfigurationError,
} from "@oppulence/worker-core";
import { testPlugin } from "@oppulence/worker-testing/conformance";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type AnySchedule, type CronOptions, cron } from "../src/index.ts";

testPlugin(() => cron({ driftInterval: "100ms" }), {
  // The issue gave the ledger its name.
  objects: ["scheduled_job_events"],
});

const handler = () => {};
const base = { key: "a", cron: "@daily", handler };

/** What is wrong with schedules, as `createWorker` says it. */
const problemsOf = (schedules: readonly object[], options: object = {}): string => {
  try {
    createWorker({
      connectionString: "postgres://nowhere",
      config: false,
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [cron({ schedules: schedules as AnySchedule[], ...options } as CronOptions)],
    });
  } catch (error) {
    if (isConfigurationError(error)) return error.problems.join("\n");
    return (error as Error).message;
  }
  return "";
};

describe("a schedule", () => {
  it.each<[object, string]>([
    [{ cron: "61 * * * *" }, 'schedule "a": cron: "61 * * * *", minute (position 1): got "61"'],
    [{ cron: "0 0 31 2 *" }, "never fires"],
    [{ cron: "*/0 * * * *" }, 'got the step "0"'],
    [{ timezone: "Europe/Berln" }, 'timezone: got "Europe/Berln", did you mean "Europe/Berlin"?'],
    [
      { startAt: "2026-03-01T00:00:00Z", endAt: "2026-02-01T00:00:00Z" },
      "endAt: got 2026-02-01T00:00:00.000Z, which is before startAt",
    ],
    [{ startAt: "tomorrow" }, "expected an instant with its zone"],
    [
      { cron: "0 0 29 2 *", startAt: "2026-01-01T00:00:00Z", endAt: "2027-01-01T00:00:00Z" },
      "no slot lies within startAt and endAt",
    ],
    [{ key: "" }, "expected 1 to 100 letters"],
    [{ handler: undefined }, "handler: got none, and no task"],
    [{ task: "t" }, "task: got one, and a handler"],
    [{ handler: undefined, task: "t", onSuccess: handler }, "onSuccess: belongs to a handler"],
    [{ payload: {}, buildPayload: handler }, "buildPayload: got one, and a payload"],
    [{ payloadSchema: z.object({ a: z.string() }) }, "payload: got none; a: "],
    [{ payloadSchema: z.object({ a: z.string() }), payload: { a: 1 } }, "payload: a: "],
    [{ payload: handler }, "payload: got function, which is not JSON"],
    [{ overlap: "none" }, "overlap"],
    [{ overlap: "bufferOne", queueName: "q" }, "leave queueName out"],
    [{ maxRuns: 0 }, "maxRuns"],
    [{ calendar: { exclude: ["25.12."] } }, "expected a date"],
    [{ cron: "* * * * *", calendar: { businessDays: true, onExcluded: "next" } }, 'write "skip"'],
    [{ labels: { "cron.key": "x" } }, "is set by the schedule itself"],
    [{ jitter: "5 bananas" }, "expected a duration"],
    [{ timezne: "UTC" }, 'did you mean "timezone"?'],
  ])("is refused with %j", (change, message) => {
    expect(problemsOf([{ ...base, ...change }])).toContain(message);
  });

  it("is refused when its key is there twice", () => {
    expect(problemsOf([base, { ...base, cron: "@hourly" }])).toContain("the key is there twice");
  });

  it("is refused together with all others that are wrong", () => {
    const problems = problemsOf([
      { ...base, cron: "x" },
      { ...base, key: "b", timezone: "Nowhere" },
    ]);
    expect(problems).toContain('schedule "a"');
    expect(problems).toContain('schedule "b"');
  });

  it("needs no more than key, expression and work", () => {
    expect(problemsOf([base, { key: "b", cron: "@daily", task: "t" }])).toBe("");
  });
});

describe("oppulence-worker check", () => {
  const check = (schedules: readonly object[]) =>
    checkConfig({
      connectionString: "postgres://nowhere",
      config: false,
      tasks: [
        defineTask({ identifier: "t", payload: z.object({ n: z.number() }), run: () => {} }),
        defineTask({
          identifier: "asks",
          payload: z.object({ n: z.number() }).refine(async ({ n }) => n > 1, "is too small"),
          run: () => {},
        }),
      ],
      plugins: [cron({ schedules: schedules as AnySchedule[] })],
    });

  it("finds every schedule that would not start, at once", async () => {
    const found = await check([
      { ...base, cron: "0 0 31 2 *" },
      { ...base, key: "b", timezone: "Europe/Berln" },
      { ...base, key: "c", cron: "1 2 3" },
    ]);
    expect(found.map((sentence) => /schedule "(.)"/.exec(sentence)?.[1])).toEqual(["a", "b", "c"]);
  });

  it("finds tasks, plugins and payloads that only the whole worker shows", async () => {
    const found = await check([
      { key: "a", cron: "@daily", task: "tt" },
      { key: "b", cron: "@daily", task: "t", payload: { n: 1 }, overlap: "cancelRunning" },
      { key: "c", cron: "@daily", task: "t" },
      { key: "d", cron: "@daily", task: "asks", payload: { n: 1 } },
      { key: "e", cron: "@daily", task: "asks", payload: { n: 2 } },
    ]);
    expect(found).toEqual([
      expect.stringContaining('schedule "a": task: got "tt"'),
      expect.stringContaining('schedule "b": overlap: "cancelRunning" needs the plugin retry'),
      expect.stringContaining('schedule "c": payload: n: '),
      expect.stringContaining('schedule "d": payload: is too small'),
    ]);
  });
});

describe("cron's options", () => {
  it.each([
    [{ pollIntervall: "1s" }, 'did you mean "pollInterval"?'],
    [{ batchSize: 0 }, "batchSize"],
    [{ retention: "long" }, "expected a duration"],
  ])("refuse %j", (options, message) => {
    expect(problemsOf([], options)).toContain(message);
  });
});
