import { systemClock } from "@oppulence/worker-core";
import { expect, it } from "vitest";
import type { Mover } from "../src/mover.ts";
import type { Move, Settlement } from "../src/moves.ts";
import type { SagaStore } from "../src/postgres-store.ts";
import { Recorder } from "../src/recorder.ts";

const settlement = (value: string): Settlement => ({
  job: value,
  run: "1",
  step: 0,
  item: -1,
  attempt: 1,
  outcome: "succeeded",
  value,
  unknown: false,
});

it("an outcome that the database refuses is that one's error, and the others are recorded", async () => {
  const recorded: string[] = [];
  const store = {
    async settleClaimed(_: unknown, jobs: readonly { id: string }[]) {
      if (jobs.some(({ id }) => id === "bad")) throw new Error("refused");
      recorded.push(...jobs.map(({ id }) => id));
      return jobs.map(({ id }) => ({ what: "taken", run: id }) as Move);
    },
  } as unknown as SagaStore;
  const mover = {
    move: (work: (query: never) => Promise<Move[]>) => work(undefined as never),
  } as unknown as Mover;
  const query = () => Promise.reject(new Error("nothing is asked"));
  const recorder = new Recorder(
    { query } as never,
    store,
    mover,
    new AbortController().signal,
    systemClock,
  );
  const answers = await Promise.allSettled(
    ["1", "2", "bad", "3", "4"].map((id) =>
      recorder.settleClaimed({
        job: { id, locked_by: "pool", job_queue_id: null } as never,
        item: settlement(id),
      }),
    ),
  );
  expect(
    answers.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason))),
  ).toEqual([true, true, "Error: refused", true, true]);
  expect(recorded.sort()).toEqual(["1", "2", "3", "4"]);
});
