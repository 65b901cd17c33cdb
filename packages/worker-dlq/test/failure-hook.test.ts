import type { FailureInput, Job } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { failureHook } from "../src/failure-hook.ts";
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

type Move = (jobs: readonly Job[], items: readonly MoveItem[]) => Promise<Set<string>>;

const hookWith = (moveClaimed: Move, maxRetries = Number.POSITIVE_INFINITY) => {
  const missed: string[] = [];
  const hook = failureHook({
    mover: { moveClaimed },
    policies: { of: () => ({ maxRetries, redact: [] }), moves: () => true } as never,
    onMissed: ({ jobIds }) => void missed.push(...jobIds),
  });
  const decide = async (...inputs: FailureInput[]) =>
    (await hook.batch?.(inputs))?.map((decision) => decision?.kind);
  return { hook, decide, missed };
};

const moveAll: Move = async (jobs) => new Set(jobs.map(({ id }) => id));

describe("the hook", () => {
  it("answers at once where no job is to be moved", () => {
    const { hook } = hookWith(() => Promise.reject(new Error("not asked")));
    expect(hook.batch?.([failure("1", { isLastAttempt: false })])).toEqual([undefined]);
  });

  it("takes those that were moved, and no job that somebody else took or holds", async () => {
    const { decide } = hookWith(async (jobs) => new Set(jobs.map(({ id }) => id).slice(0, 1)));
    const kinds = await decide(
      failure("1"),
      failure("2"),
      failure("3", { isLastAttempt: false }),
      failure("4", { decision: { kind: "taken" } }),
    );
    expect(kinds).toEqual(["taken", undefined, undefined, undefined]);
  });

  it("leaves jobs to the engine when it cannot move them, but ends those whose retries are used up", async () => {
    const { decide, missed } = hookWith(() => Promise.reject(new Error("away")), 2);
    expect(await decide(failure("1"), failure("2", { isLastAttempt: false }))).toEqual([
      undefined,
      "exhaust",
    ]);
    expect(missed).toEqual(["1", "2"]);
  });

  it("stores a job without the details that the database refuses, and the others with theirs", async () => {
    const refused = Object.assign(new Error("invalid text"), { code: "22P05" });
    const stored: string[] = [];
    const { decide, missed } = hookWith(async (jobs, items) => {
      if (items.some(({ error }) => error?.message === "of 2")) throw refused;
      stored.push(...items.map(({ error }) => error?.message ?? ""));
      return moveAll(jobs, items);
    });
    expect(await decide(failure("1"), failure("2"), failure("3"))).toEqual([
      "taken",
      "taken",
      "taken",
    ]);
    expect(stored).toEqual(["of 1", "the error could not be stored", "of 3"]);
    expect(missed).toEqual([]);
  });
});
