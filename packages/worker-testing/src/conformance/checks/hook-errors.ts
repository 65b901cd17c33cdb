import type { HookName } from "@oppulence/worker-core";
import type { Tap } from "../../faults/tap-plugin.ts";
import type { Cell } from "../cells.ts";
import type { Check } from "../check.ts";
import { check } from "../errors.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { assertNoFailures } from "./no-failures.ts";

type Mode = "throws" | "never settles";

const HOOKS = ["beforeEnqueue", "beforeRun", "afterRun", "onFailure"] as const;
const MODES = ["throws", "never settles"] as const;
/** Long enough for what the plugin does in the same hook for another job, on a busy machine. */
const HANG_MS = 250;
const FAILURE = "the conformance suite fails this hook";

/** Checks of what the failure of one of the plugin's hooks means for the job, and for its other hooks. */
export const hookErrorChecks: readonly Check[] = HOOKS.flatMap((hook) =>
  MODES.map((mode) => hookError(hook, mode)),
);

function hookError(hook: HookName, mode: Mode): Check {
  return {
    name: `errors: a ${hook} hook that ${mode} means what its policy says`,
    cells: "corners",
    applies: ({ hooks }) => hooks[hook] !== undefined,
    run: (subject, cell) => withBrokenHook(subject, cell, hook, mode),
  };
}

/** The hook's failure takes the place of the hook until it is mended. */
interface Breakage {
  readonly tap: Tap;
  mend(): void;
}

function breakage(hook: HookName, mode: Mode): Breakage {
  let isBroken = true;
  return {
    tap: {
      timeout: (name) => (name === hook && mode === "never settles" ? HANG_MS : undefined),
      hook: (name, next) => {
        if (name !== hook || !isBroken) return next();
        if (mode === "throws") throw new Error(FAILURE);
        return new Promise(() => {});
      },
    },
    mend: () => {
      isBroken = false;
    },
  };
}

async function withBrokenHook(
  subject: Subject,
  cell: Cell,
  hook: HookName,
  mode: Mode,
): Promise<void> {
  const { tap, mend } = breakage(hook, mode);
  await onStage(subject, { cell, tap }, async (stage) => {
    await CONSEQUENCES[hook](stage, mend);
    const isOurs = ({ hook: failed }: { hook: string }) => failed === hook;
    check(
      stage.failures.some(isOurs),
      () => `the failure of the ${hook} hook was reported to nobody`,
    );
    assertNoFailures(stage, `because its ${hook} hook had failed`, isOurs);
  });
}

const CONSEQUENCES: Record<HookName, (stage: Stage, mend: () => void) => Promise<void>> = {
  beforeEnqueue: async (stage) => {
    const added = await stage.add();
    if (policyOf(stage, "beforeEnqueue") === "open") {
      return stage.wait(
        added,
        "succeeded",
        "its onError is open, so the job should be added and run",
      );
    }
    check(
      added.status === "rejected",
      () => `its onError is closed, and yet addJob ${added.status} the job`,
    );
    const left = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
    check(left.length === 0, () => "addJob was rejected, and yet the job is in the queue");
  },
  beforeRun: async (stage, mend) => {
    const added = await stage.add({ maxAttempts: 1 });
    if (policyOf(stage, "beforeRun") === "closed") {
      await stage.wait(added, "deferred", "its onError is closed, so the job should be deferred");
      const [row] = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
      check(row?.job.attempts === 0, () => `the deferral cost ${row?.job.attempts} attempts`);
      mend();
      await stage.bringForward();
      return stage.wait(added, "succeeded", "the hook works again, so the job should run");
    }
    return stage.wait(added, "succeeded", "its onError is open, so the job should run");
  },
  afterRun: async (stage) =>
    stage.wait(await stage.add(), "succeeded", "it only observes, so the job should succeed"),
  onFailure: async (stage) => {
    stage.script.act = async () => {
      throw new Error("the conformance suite fails this job");
    };
    const added = await stage.add({ maxAttempts: 2 });
    await stage.wait(
      added,
      "retrying",
      "it only observes, so graphile-worker's own retry should stand",
    );
    const [row] = await stage.harness.worker.engine.peek({ tasks: [stage.context.task] });
    check(
      row?.job.attempts === 1,
      () => `after one failure ${row?.job.attempts} attempts are counted`,
    );
  },
};

function policyOf({ subject: { hooks } }: Stage, hook: "beforeEnqueue" | "beforeRun") {
  return hooks[hook]?.onError;
}
