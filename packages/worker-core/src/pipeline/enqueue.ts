import type pg from "pg";
import type { Composition } from "../compose/compose.ts";
import type { EnqueueDecision } from "../contract/decisions.ts";
import type { EnqueueInput } from "../contract/hooks.ts";
import type { EnqueueResult, JobSpec } from "../contract/job.ts";
import type { Transaction } from "../contract/query.ts";
import type { AddJob, AddJobOptions, AddJobs, AnyTask, JobInput } from "../contract/task.ts";
import { CORE_PLUGIN } from "../core-migrations.ts";
import type { Engine } from "../engine/engine.ts";
import { type Inserted, type InsertItem, isKeyRace, needsTransaction } from "../engine/insert.ts";
import { JobKeyBusyError } from "../errors.ts";
import type { Events } from "../events.ts";
import { assertKnownKeys } from "../validate.ts";
import { askEnqueueHooks } from "./enqueue-hooks.ts";
import { compileHooks, type HookReport } from "./hook.ts";
import { InsertTransaction } from "./insert-transaction.ts";
import { checkKeys, type Prepared, prepareJobs } from "./prepare.ts";

/** What adding jobs needs. */
export interface EnqueueShared {
  readonly composition: Composition;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly events: Events;
  readonly report: HookReport;
  /** Plain graphile-worker tasks, which have no definition but may be added for. */
  readonly plainTasks: ReadonlyMap<string, unknown>;
}

/** The two ways to add jobs. */
export interface Enqueue {
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
}

/** Makes `addJob` and `addJobs`. */
export function createEnqueue(shared: EnqueueShared): Enqueue {
  const hooks = compileHooks<EnqueueInput, EnqueueDecision>(
    shared.composition.beforeEnqueue,
    "beforeEnqueue",
    shared.report,
    false,
  );

  async function add(
    jobs: readonly JobInput<AnyTask | string>[],
    client: Transaction | undefined,
    single: boolean,
  ): Promise<EnqueueResult[]> {
    const prepared = prepareJobs(jobs, shared.composition.tasks, shared.plainTasks, single);
    const specs: Prepared[] = prepared instanceof Promise ? await prepared : prepared;
    const transaction = new InsertTransaction(shared.pool, client);
    try {
      const asked = askEnqueueHooks(
        hooks,
        specs,
        { report: shared.report, events: shared.events, transaction },
        single,
      );
      if (asked !== undefined) await asked;
      const items = toItems(specs, single);
      if (needsTransaction(items)) await transaction.open();
      const inserted =
        items.length === 0 ? [] : await shared.engine.insert(transaction.query, items);
      await transaction.commit();
      return results(specs, inserted, shared.events);
    } catch (error) {
      await transaction.rollback();
      if (isKeyRace(error)) throw new JobKeyBusyError({ cause: error });
      throw error;
    }
  }

  return {
    addJob: (async (
      task: AnyTask | string,
      payload?: unknown,
      { client, ...options }: AddJobOptions = {},
    ) => {
      const [result] = await add(
        [{ ...(options as object), task, payload } as JobInput<AnyTask>],
        client,
        true,
      );
      return result;
    }) as AddJob,
    addJobs: (async (
      jobs: readonly JobInput<AnyTask | string>[],
      options: { client?: Transaction } = {},
    ) => {
      // A misspelt client would have the jobs added outside of the caller's transaction.
      assertKnownKeys(options, ["client"], "addJobs");
      return add(jobs, options.client, false);
    }) as AddJobs,
  };
}

function toItems(specs: readonly Prepared[], single: boolean): InsertItem[] {
  const items: InsertItem[] = [];
  for (const prepared of specs) {
    if (prepared.dropped === undefined)
      items.push({ spec: prepared.spec, payload: prepared.json() });
  }
  if (!single) checkKeys(items);
  return items;
}

function results(
  specs: readonly Prepared[],
  inserted: readonly Inserted[],
  events: Events,
): EnqueueResult[] {
  const told = events.has("job:added");
  let next = 0;
  return specs.map(({ spec, dropped: byPlugin }) => {
    const one = byPlugin === undefined ? inserted[next++] : undefined;
    const dropped = byPlugin ?? (one?.existed === true ? keyExists(spec, one.id) : undefined);
    if (dropped !== undefined) {
      events.emit("job:dropped", { spec, result: dropped });
      return dropped;
    }
    const { id } = one as Inserted;
    if (told) events.emit("job:added", { spec, id });
    return { status: "added", id };
  });
}

/** Nothing was added: the mode leaves a job with the same key as it is, even one that runs. */
function keyExists({ jobKey }: JobSpec, existing: string): Prepared["dropped"] {
  const message = `job ${existing} has the key ${JSON.stringify(jobKey)} already`;
  return {
    status: "dropped",
    reason: { plugin: CORE_PLUGIN, code: "JOB_KEY_EXISTS", message },
    existing,
  };
}
