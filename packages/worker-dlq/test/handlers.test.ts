import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { HandlerQueue } from "../src/handlers.ts";
import type { DeadLetter } from "../src/index.ts";
import type { DeadLetterHandler } from "../src/options.ts";

const entry = (id: number): DeadLetter => ({ id: String(id), task: "t" }) as DeadLetter;

const queue = (...handlers: DeadLetterHandler[]) => {
  const clock = createFakeClock();
  const errors: string[] = [];
  const told = new HandlerQueue({
    handlersOf: () => handlers,
    timeoutMs: 1_000,
    clock,
    onError: (message) => errors.push(message),
  });
  return { told, clock, errors };
};

describe("HandlerQueue", () => {
  it("tells every handler of every entry, also after one that throws", async () => {
    const seen: string[] = [];
    const { told, errors } = queue(
      () => {
        throw new Error("slack is down");
      },
      async ({ id }) => void seen.push(id),
    );
    told.tell([entry(1), entry(2)]);
    await told.settled();
    expect(seen).toEqual(["1", "2"]);
    expect(errors).toEqual([
      "onDeadLetter of dead letter 1 (task t) failed: slack is down",
      "onDeadLetter of dead letter 2 (task t) failed: slack is down",
    ]);
  });

  it("aborts a handler that takes too long, and goes on", async () => {
    let aborted: unknown;
    const { told, clock, errors } = queue((_, { signal }) => {
      signal.addEventListener("abort", () => {
        aborted = signal.reason;
      });
      return new Promise(() => {});
    });
    told.tell([entry(1)]);
    await clock.advance("1s");
    await told.settled();
    expect(errors).toEqual([expect.stringContaining("did not settle within 1000 ms")]);
    expect(aborted).toMatchObject({ code: "DLQ_TIMEOUT" });
  });

  it("runs ten at once, keeps a thousand waiting, and says how many it could not", async () => {
    const open: (() => void)[] = [];
    const { told, errors } = queue(() => new Promise<void>((resolve) => void open.push(resolve)));
    told.tell(Array.from({ length: 1_005 }, (_, index) => entry(index)));
    expect(open).toHaveLength(10);
    expect(errors).toEqual([expect.stringContaining("5 dead letters came faster")]);
  });

  it("gives handlers a last while at a stop, then aborts them", async () => {
    const { told, clock, errors } = queue(() => new Promise(() => {}));
    told.tell([entry(1)]);
    const stopped = told.stop(500);
    await clock.advance("500ms");
    await stopped;
    expect(errors).toEqual([expect.stringContaining("the worker stops")]);
    await told.stop(500);
  });
});
