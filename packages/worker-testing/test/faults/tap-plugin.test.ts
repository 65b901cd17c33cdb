import {
  definePlugin,
  defineTask,
  type HookName,
  type Permit,
  proceed,
} from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { createHarness, type Tap, tapPlugin } from "../../src/index.ts";

const work = defineTask({ identifier: "work", run: () => {} });

/** A plugin whose permit is made anew for each job, shared by all, or frozen. */
const granting = (permit: () => Permit) =>
  definePlugin({
    name: "granting",
    producers: "not-covered",
    setup: () => ({
      beforeEnqueue: {
        phase: "admit",
        onError: "open",
        batch: (inputs) => inputs.map(() => undefined),
      },
      beforeRun: {
        phase: "admit",
        onError: "open",
        run: async () => proceed({ permit: permit() }),
      },
      afterRun: { run: () => undefined },
    }),
  });

const play = async (permit: () => Permit, more: Tap = {}) => {
  const told: string[] = [];
  const tapped = tapPlugin(granting(permit), {
    hook: (name: HookName, next) => {
      told.push(name);
      return next();
    },
    granted: () => void told.push("granted"),
    permit: (end, next) => {
      told.push(end);
      return next();
    },
    ...more,
  });
  await using harness = await createHarness({ tasks: [work], plugins: [tapped] });
  for (let job = 0; job < 2; job++) {
    await harness.waitFor(await harness.enqueue(work, {}), "succeeded");
  }
  return { told, logs: harness.logs };
};

const ONE_JOB = ["beforeEnqueue", "beforeRun", "granted", "afterRun", "commit"];

describe("tapPlugin", () => {
  it("tells of hooks, of batches and single ones, and of permits", async () => {
    let committed = 0;
    const { told } = await play(() => ({
      commit: () => {
        committed += 1;
      },
      rollback() {},
    }));
    expect(told).toEqual([...ONE_JOB, ...ONE_JOB]);
    expect(committed).toBe(2);
  });

  it.for([
    ["shared by all jobs", { commit() {}, rollback() {} }],
    ["frozen", Object.freeze({ commit() {}, rollback() {} })],
  ] as const)("tells once of a permit that is %s", async ([, permit]) => {
    expect((await play(() => permit)).told).toEqual([...ONE_JOB, ...ONE_JOB]);
  });

  it("tells of what a plugin does to its permit by itself", async () => {
    const permits: Permit[] = [];
    const { told } = await play(
      () => {
        const permit = { commit() {}, rollback() {} };
        permits.push(permit);
        return permit;
      },
      {
        hook: (name, next) => {
          if (name === "afterRun") permits.at(-1)?.rollback();
          return next();
        },
      },
    );
    expect(told).toEqual(["granted", "rollback", "commit", "granted", "rollback", "commit"]);
  });

  it("takes a hook's place, and its timeout", async () => {
    const { told, logs } = await play(() => ({ commit() {}, rollback() {} }), {
      hook: (name, next) => (name === "beforeRun" ? new Promise(() => {}) : next()),
      timeout: (name) => (name === "beforeRun" ? 20 : undefined),
    });
    expect(told).toEqual([]);
    expect(
      logs.filter(({ message }) => message.includes("did not settle within 20 ms")),
    ).toHaveLength(2);
  });
});
