import type { FailureInput, Job, TakenDecision } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { failureHook } from "../src/failure-hook.ts";
import type { FailedJob } from "../src/mover.ts";
import type { MoveItem } from "../src/postgres-move.ts";

const failure = (id: string, change: Partial<FailureInput> = {}): FailureInput =>
  ({
    job: { id, task_identifier: "t", attempts: 3, last_error: null, payload: {} } as Job,
    error: new Error(`of ${id}`),
    isLastAttempt: true,
    decision: undefined,
    exhausted: undefined,
    left: undefined,
    ...change,
  }) as FailureInput;

type Move = (
  jobs: readonly FailedJob[],
  items: readonly MoveItem[],
) => Promise<ReadonlySet<string>>;

const hookWith = (moveClaimed: Move, maxRetries = Number.POSITIVE_INFINITY) => {
  const missed: string[] = [];
  const hook = failureHook({
    mover: { moveClaimed },
    policies: { of: () => ({ maxRetries, redact: [] }), moves: () => true } as never,
    onMissed: ({ jobIds }) => void missed.push(...jobIds),
  });
  const decide = (input: FailureInput) => hook.run?.(input) as TakenDecision | undefined;
  const moved = (...inputs: FailureInput[]) => Promise.all(inputs.map((one) => decide(one)?.moved));
  return { decide, moved, missed };
};

const moveAll: Move = async (jobs) => new Set(jobs.map(({ id }) => id));

describe("the hook", () => {
  it("leaves jobs alone that will be tried again, or that somebody else took", () => {
    const { decide } = hookWith(() => Promise.reject(new Error("not asked")));
    expect(decide(failure("1", { isLastAttempt: false }))).toBeUndefined();
    expect(decide(failure("2", { decision: { kind: "taken" } }))).toBeUndefined();
  });

  it("moves those of one tick together, and says which were still there", async () => {
    const calls: number[] = [];
    const { moved } = hookWith(async (jobs) => {
      calls.push(jobs.length);
      return new Set(jobs.map(({ id }) => id).slice(0, 1));
    });
    expect(await moved(failure("1"), failure("2"))).toEqual([true, false]);
    expect(calls).toEqual([2]);
  });

  it("moves the job as it was claimed, whatever becomes of the engine's copy", async () => {
    const { decide } = hookWith(moveAll);
    const input = failure("1");
    const decision = decide(input);
    (input.job as { id: string }).id = "-1";
    expect(await decision?.moved).toBe(true);
  });

  it("says so when it cannot move jobs, and ends those whose retries are used up", async () => {
    const { decide, missed } = hookWith(() => Promise.reject(new Error("away")), 2);
    const decisions = [decide(failure("1")), decide(failure("2", { isLastAttempt: false }))];
    expect(decisions.map((one) => one?.reason?.code)).toEqual([undefined, "MAX_RETRIES"]);
    expect(await Promise.all(decisions.map((one) => one?.moved))).toEqual([false, false]);
    expect(missed).toEqual(["1", "2"]);
  });

  it("stores a job without the details that the database refuses, and the others with theirs", async () => {
    const refused = Object.assign(new Error("invalid text"), { code: "22P05" });
    const stored: string[] = [];
    const { moved, missed } = hookWith(async (jobs, items) => {
      if (items.some(({ error }) => error?.message === "of 2")) throw refused;
      stored.push(...items.map(({ error }) => error?.message ?? ""));
      return moveAll(jobs, items);
    });
    expect(await moved(failure("1"), failure("2"), failure("3"))).toEqual([true, true, true]);
    expect(stored).toEqual(["of 1", "the error could not be stored", "of 3"]);
    expect(missed).toEqual([]);
  });
});
