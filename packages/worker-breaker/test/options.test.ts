import { checkConfig, createClient, createWorker, defineTask } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { type CircuitBreakerOptions, circuitBreaker } from "../src/index.ts";

const make = (options: object) => () =>
  createClient({ plugins: [circuitBreaker(options as CircuitBreakerOptions)] });
const smtp = (options: object) => make({ dependencies: { smtp: options } });

describe("options", () => {
  it.each([
    [{ failureThreshold: 0 }, "failureThreshold"],
    [{ failureThreshold: -1 }, "failureThreshold"],
    [{ failureThreshold: Number.NaN }, "failureThreshold"],
    [{ failureThreshold: 1e12 }, "failureThreshold"],
    [{ failureThreshold: 1.5 }, "failureThreshold"],
    [{ failureThreshold: { rate: 1.1 } }, "rate"],
    [{ failureThreshold: { rate: 0 } }, "rate"],
    [{ window: { calls: 1e12 } }, "calls"],
    [{ window: { time: "10ms" } }, "from 1s to 1d"],
    [{ window: { time: "5 bananas" } }, "time"],
    [{ halfOpenRequests: 0 }, "halfOpenRequests"],
    [{ maxUnderWay: -3 }, "maxUnderWay"],
    [{ resetTimeout: -1 }, "resetTimeout"],
    [{ resetTimeout: { initial: "1s", factor: 0.5 } }, "factor"],
    [{ maxHalfOpenWait: "2d" }, "maxHalfOpenWait"],
    [{ isFailure: "yes" }, "isFailure"],
    [{ onError: "ignore" }, "onError"],
    [{ failureTreshold: 1 }, 'did you mean "failureThreshold"?'],
  ])("refuse %o", (options, message) => {
    expect(smtp(options)).toThrow(message);
  });

  it("refuse what the plugin does not know", () => {
    expect(make({ dependancies: {} })).toThrow('did you mean "dependencies"?');
  });

  it("refuse a task that names a dependency and has a breaker of its own", () => {
    const breaker = { dependency: "smtp", failureThreshold: 1 } as never;
    const task = defineTask({ identifier: "send", breaker, run: () => {} });
    const plugins = [circuitBreaker({ dependencies: { smtp: {} } })];
    expect(() => createWorker({ tasks: [task], plugins })).toThrow("no breaker of its own");
  });

  it("have checkConfig tell of unknown dependencies and of what contradicts itself", async () => {
    const task = defineTask({ identifier: "send", breaker: { dependency: "smpt" }, run: () => {} });
    const dependencies = {
      smtp: { failureThreshold: 9, window: { calls: 5 }, slowCallRate: 0.5 },
    };
    const report = await checkConfig({
      tasks: [task],
      plugins: [circuitBreaker({ dependencies })],
    });
    const text = JSON.stringify(report);
    expect(text).toContain('did you mean \\"smtp\\"?'.replaceAll("\\\\", "\\"));
    expect(text).toContain("it never opens");
    expect(text).toContain("no call is ever slow");
  });
});
