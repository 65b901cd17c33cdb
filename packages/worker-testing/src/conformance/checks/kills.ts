import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type Killed, killAt } from "../../faults/kill-at.ts";
import type { FaultPoint } from "../../faults/point.ts";
import { recoverPools } from "../../faults/recover-pools.ts";
import { until } from "../../harness/until.ts";
import { assertInvariants } from "../../invariants/check-invariants.ts";
import type { TestDatabase } from "../../postgres/test-database.ts";
import { type Cell, cellOf } from "../cells.ts";
import type { Check } from "../check.ts";
import type { ChildData, ChildMode } from "../child-plugin.ts";
import { ConformanceError, check } from "../errors.ts";
import type { ConformanceFixtures } from "../fixtures.ts";
import { createScript } from "../script.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { assertNoLeaks } from "./leaks.ts";

const POOL_SIZE = 3;

/** A boundary at which a worker is killed. */
interface Boundary {
  readonly where: string;
  /** The point; `@` at the end stands for the plugin. */
  readonly point: FaultPoint | `${string}@`;
  readonly mode?: ChildMode;
  /** The point is only there when the plugin has this hook. */
  readonly hook?: "beforeEnqueue" | "beforeRun" | "afterRun" | "onFailure";
  /** It may do without, such as a permit that it does not grant. */
  readonly isOptional?: boolean;
  /** The job was added, or it had ended, when the process died. */
  readonly left: "maybe nothing" | "a job" | "nothing to do";
}

const BOUNDARIES: readonly Boundary[] = [
  {
    where: "before its beforeEnqueue hook",
    point: "beforeEnqueue:before@",
    hook: "beforeEnqueue",
    left: "maybe nothing",
  },
  {
    where: "after its beforeEnqueue hook",
    point: "beforeEnqueue:after@",
    hook: "beforeEnqueue",
    left: "maybe nothing",
  },
  { where: "before the insert", point: "insert:before", left: "maybe nothing" },
  { where: "after the insert", point: "insert:after", left: "maybe nothing" },
  { where: "after the claim", point: "statement:get_job:after", left: "a job" },
  {
    where: "before its beforeRun hook",
    point: "beforeRun:before@",
    hook: "beforeRun",
    left: "a job",
  },
  {
    where: "after its beforeRun hook",
    point: "beforeRun:after@",
    hook: "beforeRun",
    left: "a job",
  },
  { where: "before the task", point: "run:before", left: "a job" },
  { where: "after the task", point: "run:after", left: "a job" },
  { where: "before its afterRun hook", point: "afterRun:before@", hook: "afterRun", left: "a job" },
  { where: "after its afterRun hook", point: "afterRun:after@", hook: "afterRun", left: "a job" },
  {
    where: "before its onFailure hook",
    point: "onFailure:before@",
    hook: "onFailure",
    mode: "fails",
    left: "a job",
  },
  {
    where: "after its onFailure hook",
    point: "onFailure:after@",
    hook: "onFailure",
    mode: "fails",
    left: "a job",
  },
  {
    where: "before the commit of its permit",
    point: "permit:commit:before@",
    hook: "beforeRun",
    isOptional: true,
    left: "a job",
  },
  {
    where: "after the commit of its permit",
    point: "permit:commit:after@",
    hook: "beforeRun",
    isOptional: true,
    left: "a job",
  },
  {
    where: "before the rollback of its permit",
    point: "permit:rollback:before@",
    hook: "beforeRun",
    mode: "is deferred",
    isOptional: true,
    left: "a job",
  },
  {
    where: "after the rollback of its permit",
    point: "permit:rollback:after@",
    hook: "beforeRun",
    mode: "is deferred",
    isOptional: true,
    left: "a job",
  },
  {
    where: "before a deferral is written",
    point: "statement:defer:before",
    mode: "is deferred",
    left: "a job",
  },
  {
    where: "after a deferral was written",
    point: "statement:defer:after",
    mode: "is deferred",
    left: "a job",
  },
  {
    where: "before a success is written",
    point: "statement:/^complete_job/:before",
    left: "a job",
  },
  {
    where: "after a success was written",
    point: "statement:/^complete_job/:after",
    left: "nothing to do",
  },
  {
    where: "before a failure is written",
    point: "statement:/^(?:fail_job|retry|exhaust)/:before",
    mode: "fails",
    isOptional: true,
    left: "a job",
  },
  {
    where: "after a failure was written",
    point: "statement:/^(?:fail_job|retry|exhaust)/:after",
    mode: "fails",
    isOptional: true,
    left: "a job",
  },
];

/** Checks of a process that is killed (SIGKILL), one boundary each; the cells take turns. */
export const killChecks: readonly Check[] = BOUNDARIES.map((boundary, index) => {
  const cell = cellOf(index);
  return {
    name: `kills: nothing is lost or left behind when a worker dies ${boundary.where} (${cell.name})`,
    applies: ({ hooks }: Subject) =>
      boundary.hook === undefined || hooks[boundary.hook] !== undefined,
    run: (subject: Subject) => dieAndRecover(subject, cell, boundary),
  };
});

async function dieAndRecover(subject: Subject, cell: Cell, boundary: Boundary): Promise<void> {
  const database = await subject.migratedDatabase();
  try {
    if (subject.fixtures.prepare !== undefined)
      await onStage(subject, { cell, database }, async () => {});
    const killed = await subject.children(() => die(subject, cell, boundary, database));
    await onStage(subject, { cell, database }, (stage) => recover(stage, boundary, killed));
  } finally {
    await database.drop();
  }
}

function die(
  subject: Subject,
  cell: Cell,
  { point, mode = "succeeds", isOptional = false }: Boundary,
  database: TestDatabase,
): Promise<Killed> {
  const { fixtures, name } = subject;
  const payload = fixtures.payload ?? { conformance: true };
  const data: ChildData = {
    module: moduleOf(fixtures),
    name,
    variant: fixtures.variant,
    mode,
    worker: cell.worker,
  };
  const { runAt: _runAt, ...jobOptions } = fixtures.jobOptions ?? {};
  return killAt((point.endsWith("@") ? `${point}${name}` : point) as FaultPoint, {
    module: childModule(),
    database,
    poolSize: POOL_SIZE,
    data,
    enqueue: [{ ...jobOptions, task: createScript(fixtures).taskFor(payload).identifier, payload }],
    withRows: point.includes("get_job"),
    mustReach: !isOptional,
  });
}

/** By its name: in the built package it has another place than in the sources. */
function childModule(): string {
  const require = createRequire(import.meta.url);
  return pathToFileURL(require.resolve("@oppulence/worker-testing/conformance-child")).href;
}

function moduleOf({ module }: ConformanceFixtures): string {
  if (module === undefined) {
    throw new ConformanceError(
      "a process that can be killed needs a module to load the plugin from: give `module: import.meta.url` of a module that exports `plugin`",
    );
  }
  const text = String(module);
  return text.startsWith("/") ? pathToFileURL(text).href : text;
}

async function recover(stage: Stage, { left, where }: Boundary, killed: Killed): Promise<void> {
  const { harness, script, context } = stage;
  const { engine } = harness.worker;
  await recoverPools(engine, killed.pools);
  if (left === "maybe nothing") {
    // The producer was not answered, so it tries again; a plugin may know that the job is there already.
    const again = await stage.add();
    check(
      again.status !== "rejected",
      () => "addJob rejects a job whose producer died while adding it",
    );
    if (again.status === "dropped") await assertExists(stage, again.existing);
  }
  const isOver = await until(
    async () => {
      const rows = await engine.peek({ tasks: [context.task], limit: 1 });
      if (rows.length === 0) return true;
      await stage.bringForward();
      return undefined;
    },
    {
      timeoutMs: stage.subject.leaseTimeoutMs + stage.subject.timeoutMs,
      onChange: harness.onChange,
    },
  );
  if (isOver !== true) {
    const [row] = await engine.peek({ tasks: [context.task], limit: 1 });
    const { summary, note } = await harness.worker.explain(row?.job.id ?? "0");
    // At this very moment it may be running: only to be deferred once more.
    const noted =
      note === undefined ? "" : ` (before that ${note.kind} by ${note.plugin}: ${note.message})`;
    check(
      false,
      () => `killed ${where}, its job does not end after the recovery: ${summary}${noted}`,
    );
  }
  if (left === "a job" && killed.reached) {
    check(script.runs.length > 0, () => `killed ${where}, its job never ran again: it was lost`);
  }
  if (left === "nothing to do") {
    check(script.runs.length === 0, () => "a job whose success was written ran again");
  }
  await harness.drain();
  await assertInvariants(harness.sql);
  await assertNoLeaks(stage, `killed ${where} and recovered,`, stage.subject.leaseTimeoutMs);
}

async function assertExists({ harness }: Stage, existing: string | undefined): Promise<void> {
  const rows = await harness.sql<{ count: number }>(
    "select count(*)::int as count from graphile_worker.jobs",
  );
  check(
    (rows[0]?.count ?? 0) > 0,
    () =>
      `addJob dropped the job in favour of ${existing ?? "another"}, but there is none: what the hook wrote outlived the insert that failed`,
  );
}
