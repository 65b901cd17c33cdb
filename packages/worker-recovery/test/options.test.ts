import { createClient, createWorker, isConfigurationError } from "@oppulence/worker-core";
import { Logger } from "graphile-worker";
import { describe, expect, it } from "vitest";
import { recovery } from "../src/index.ts";
import { recoveryOptions, timingOf } from "../src/options.ts";

const base = {
  connectionString: "postgres://nowhere",
  logger: new Logger(() => () => {}),
  taskList: { work: () => {} },
} as const;

const problemsOf = (options: object): string => {
  try {
    createWorker({ ...base, config: false, plugins: [recovery(options)] });
  } catch (error) {
    if (isConfigurationError(error)) return error.problems.join("\n");
    throw error;
  }
  return "";
};

describe("recovery's options", () => {
  it.each([
    [{ hartbeat: "5s" }, 'unknown option "hartbeat", did you mean "heartbeat"?'],
    [{ heartbeat: "5 bananas" }, "expected a duration of 100 ms to 10 minutes"],
    [{ heartbeat: 99 }, "expected a duration of 100 ms to 10 minutes"],
    [{ heartbeat: "11m" }, "expected a duration of 100 ms to 10 minutes"],
    [{ deadAfter: "5h" }, "expected a duration of at most 4 hours"],
    [{ deadAfter: "9s" }, "at least 2 heartbeats, 10000 ms"],
    [{ heartbeat: "1s", deadAfter: 1_999 }, 'with a heartbeat of "1s"'],
    [{ maxCrashes: 1 }, "maxCrashes"],
    [{ maxCrashes: 2.5 }, "maxCrashes"],
  ])("refuses %j", (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it("are all optional", () => {
    expect(problemsOf({})).toBe("");
    expect(timingOf(recoveryOptions.parse({}))).toEqual({
      heartbeatMs: 5_000,
      deadAfterMs: 20_000,
    });
  });

  it("derive how long a pool may be silent from the heartbeat", () => {
    expect(timingOf(recoveryOptions.parse({ heartbeat: "500ms" })).deadAfterMs).toBe(2_000);
    expect(
      timingOf(recoveryOptions.parse({ heartbeat: "500ms", deadAfter: "1s" })).deadAfterMs,
    ).toBe(1_000);
  });

  it("can be set by the environment, and are refused with the variable's name", () => {
    const make = (value: string) =>
      createClient({
        ...base,
        config: { env: { OPPULENCE_WORKER__PLUGINS__RECOVERY__HEARTBEAT: value } },
        plugins: [recovery()],
      });
    expect(() => make("1s")).not.toThrow();
    expect(() => make("soon")).toThrow("OPPULENCE_WORKER__PLUGINS__RECOVERY__HEARTBEAT");
  });
});
