import { describe, expect, it } from "vitest";
import {
  defineTask,
  type EventMap,
  isHookError,
  type OnError,
  proceed,
  type RunDecision,
} from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const never = new Promise<undefined>(() => {});
const wrong = (decision: unknown) => () => decision as RunDecision;
const kinds = 'it is one of "proceed", "defer", "skip", "fail", or undefined';

/** What a hook can do wrong, and what is said of it. */
const faults: Record<string, [() => unknown, string]> = {
  throws: [
    () => {
      throw new Error("no \0 luck");
    },
    "no \\0 luck",
  ],
  rejects: [() => Promise.reject(new Error("gone")), "gone"],
  "rejects-with-nothing": [() => Promise.reject(), "undefined"],
  hangs: [() => never, "plugin hangs, beforeRun: did not settle within 50 ms"],
  unknown: [wrong({ kind: "snooze" }), `returned a decision of kind "snooze"; ${kinds}`],
  null: [wrong(null), `returned a decision of null; ${kinds}`],
  text: [async () => "defer" as never, `returned a decision of "defer"; ${kinds}`],
  "no-reason": [
    wrong({ kind: "skip" }),
    "returned skip with the reason undefined; it is { code, message }, two strings",
  ],
  "no-until": [
    wrong({ kind: "defer", reason: { code: "A", message: "b" } }),
    "returned defer, until: got undefined; it is a Date of the years 1 to 9999, or { after: duration }",
  ],
  "bad-date": [
    wrong({ kind: "defer", until: new Date(Number.NaN), reason: { code: "A", message: "b" } }),
    "returned defer, until: got an invalid Date;",
  ],
  "far-date": [
    wrong({ kind: "defer", until: new Date(8.64e15), reason: { code: "A", message: "b" } }),
    "returned defer, until: got",
  ],
  "bad-duration": [
    wrong({ kind: "defer", until: { after: "soon" }, reason: { code: "A", message: "b" } }),
    'returned defer, until: got "soon"; a duration is',
  ],
  "far-duration": [
    wrong({ kind: "defer", until: { after: "20000y" }, reason: { code: "A", message: "b" } }),
    'returned defer, until: got after "20000y"',
  ],
};
const names = Object.keys(faults);

/** A worker with one task and one faulty plugin for each fault, a permit granted before each. */
async function faulty(onError: OnError) {
  const runs: string[] = [];
  const rolledBack: string[] = [];
  const started = await testWorker({
    tasks: names.map((identifier) =>
      defineTask({ identifier, run: () => void runs.push(identifier) }),
    ),
    plugins: [
      plugin("permit", {
        beforeRun: gate(({ task }) =>
          proceed({
            permit: { commit: () => {}, rollback: () => void rolledBack.push(task.identifier) },
          }),
        ),
      }),
      ...names.map((name) =>
        plugin(name, {
          beforeRun: gate(faults[name]?.[0] as () => RunDecision, {
            onError,
            timeout: 50,
            appliesTo: ({ identifier }) => identifier === name,
          }),
        }),
      ),
    ],
    worker: { concurrentJobs: names.length },
  });
  const errors = eventsOf(started.worker.events, "plugin:error");
  await started.worker.addJobs(names.map((task) => ({ task, payload: {}, maxAttempts: 1 })));
  await started.worker.start();
  return { ...started, runs, rolledBack, errors };
}

function expectReports(errors: readonly EventMap["plugin:error"][], logs: readonly unknown[]) {
  expect(errors.map(({ plugin: name }) => name).sort()).toEqual([...names].sort());
  for (const { plugin: name, hook, error } of errors) {
    expect(hook).toBe("beforeRun");
    if (error instanceof Error)
      expect(error.message.replaceAll("\0", "\\0")).toContain(faults[name]?.[1]);
    if (name === "hangs" || name === "unknown" || name === "null")
      expect(isHookError(error)).toBe(true);
    expect(logs).toContainEqual({
      level: "error",
      message: expect.stringContaining(`plugin ${name}, beforeRun failed: `),
    });
  }
}

describe("a beforeRun hook that fails", () => {
  it("is passed over when it is open on errors, and reported", async () => {
    const { runs, rolledBack, errors, logs, jobs } = await faulty("open");
    await until(async () => (await jobs()).length === 0, "every job is done");
    expect(runs.sort()).toEqual([...names].sort());
    expect(rolledBack).toEqual([]);
    expectReports(errors, logs);
  });

  it("sends the job back at no cost when it is closed on errors, and rolls permits back", async () => {
    const { runs, rolledBack, errors, logs, jobs, sql, worker } = await faulty("closed");
    const deferrals = eventsOf(worker.events, "job:deferred");
    const notes = "select plugin, code, message from oppulence_worker.core_notes order by plugin";
    await until(async () => (await sql(notes)).length === names.length, "every job is deferred");
    // Each is tried again after one to five seconds.
    await worker.stop();
    expect(runs).toEqual([]);
    expect(deferrals.length).toBeLessThanOrEqual(2 * names.length);
    expect([...new Set(rolledBack)].sort()).toEqual([...names].sort());
    for (const job of await jobs())
      expect(job).toMatchObject({ attempts: 0, locked_at: null, last_error: null });
    expect(await sql(notes)).toEqual(
      [...names].sort().map((name) => ({
        plugin: name,
        code: "HOOK_FAILED",
        message: expect.stringContaining(faults[name]?.[1] as string),
      })),
    );
    // Those that hang are told of last; by then others may have been asked again.
    const first = names.map((name) => errors.find((error) => error.plugin === name));
    expectReports(first as typeof errors, logs);
    expect(logs).not.toContainEqual({
      level: "error",
      message: expect.stringContaining("Failed task"),
    });
  });
});
