import type pg from "pg";
import type { Leaving } from "../pipeline/leaving.ts";
import { ClaimGate, type Claims } from "./claims.ts";
import type { EngineTables } from "./database.ts";
import type { GiveBackChoice } from "./give-back.ts";
import { type EngineQuery, guardCompletion } from "./guarded-completion.ts";
import { isPassing, withRetries } from "./retries.ts";
import { FENCED_ID } from "./signal.ts";

/** What a statement of the engine does to its pool's claims. */
type Kind = "claim" | "complete" | "fail" | "return" | "other";

/** graphile-worker names its statements; these are safe to repeat, but for the claim, see {@link ClaimGate}. */
const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [/^get_job/, "claim"],
  [/^complete_job/, "complete"],
  [/^fail_job/, "fail"],
  [/^return_job/, "return"],
  [/^(?:clear_stale_locks|get_queue_names)/, "other"],
];

/** Statements that end claims of jobs with a named queue. */
const QUEUED = /^(?:complete_job_q|fail_job_q)/;

const TASK_IDS = /^(?:insert into|select id, identifier from) \S+\._private_tasks as tasks/;

/** What {@link resilientPool} needs. */
export interface ResilientPoolOptions {
  readonly claims: Claims;
  /** Rows that plugins are moving away. */
  readonly leaving: Pick<Leaving, "completes" | "ids" | "isAny">;
  readonly tables: EngineTables;
  /** False behind a pooler without prepared statements: names are then taken off on the way out. */
  readonly preparedStatements: boolean;
  /** Gives back what the pool holds: only these ids, or all but these. */
  readonly giveBack: (pool: string, choice: GiveBackChoice) => Promise<unknown>;
  /** Whether a stop has had the signal of the running jobs aborted. */
  readonly aborted: () => boolean;
  /** Named queues are free again; jobs may be waiting in them. */
  readonly onQueuesFreed: (count: number) => void;
  /** Awaited before the first claim. */
  readonly beforeClaims: (pool: string) => Promise<unknown>;
  /** Aborted once no job is to be claimed any more. */
  readonly noClaims: AbortSignal;
  /** Aborted once nothing is to be written any more. */
  readonly noWrites: AbortSignal;
}

/**
 * The pool that is handed to the engine. The engine shuts down, or leaves promises to reject unheard, when
 * the database goes away while it claims, completes, fails or returns jobs. Through this pool it does not
 * notice: its statements wait and are repeated until the database is back.
 *
 * Everything else passes through: what tasks do with `withPgClient` fails as it always did, and the
 * connection that listens is the engine's own to mend.
 */
export function resilientPool(pool: pg.Pool, options: ResilientPoolOptions): pg.Pool {
  const { claims, noClaims, noWrites } = options;
  let poolId = "";
  let readying: Promise<void> | undefined;
  let isReady = false;
  const ready = (): Promise<void> => {
    readying ??= withRetries(() => options.beforeClaims(poolId), noClaims).then(
      () => {
        isReady = true;
      },
      (error) => {
        readying = undefined;
        throw error;
      },
    );
    return readying;
  };
  // Without claims to come there is nothing to mend for: the end of the pool gives everything back.
  const gate = new ClaimGate(async () => {
    const held = () => [...claims.ids(), ...options.leaving.ids(poolId)];
    await withRetries(() => options.giveBack(poolId, { except: held() }), noClaims);
  });

  async function claim(query: EngineQuery, run: () => Promise<pg.QueryResult>): Promise<unknown> {
    poolId = query.values[0] as string;
    const once = async () => {
      if (!isReady) await ready();
      try {
        return await gate.claim(async () => {
          const result = await run();
          claims.add(result.rows);
          return result;
        });
      } catch (error) {
        if (isPassing(error)) await gate.mend();
        throw error;
      }
    };
    try {
      return await withRetries(once, noClaims);
    } catch (error) {
      if (noClaims.aborted && isPassing(error)) return { rows: [] };
      throw error;
    }
  }

  async function write(
    kind: Kind,
    query: EngineQuery,
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const ids = writtenIds(kind, query.values);
    // Settled by the core already, see `fence`: the statement would match nothing.
    if (kind === "fail" && ids.every((id) => id === FENCED_ID)) return { rows: [] };
    // A plain task has no wrapping that would see to it: that it ended early is no failure of its own.
    const result =
      kind === "fail" && options.aborted()
        ? await withRetries(() => interrupt(ids), noWrites)
        : await withRetries(run, noWrites);
    claims.delete(ids);
    // With a local queue nobody else would look before the next poll.
    if (QUEUED.test(query.name ?? "")) options.onQueuesFreed(ids.length);
    return result;
  }

  /** Without the jobs whose rows go with what came of them; undefined when none is left. */
  function completion(query: EngineQuery): EngineQuery | undefined {
    if (!options.leaving.isAny(poolId)) return guardCompletion(options.tables, query, poolId);
    const ids = writtenIds("complete", query.values);
    const own = ids.filter((id) => !options.leaving.completes(poolId, id));
    if (own.length === ids.length) return guardCompletion(options.tables, query, poolId);
    claims.delete(ids.filter((id) => !own.includes(id)));
    if (own.length === 0) return undefined;
    return guardCompletion(options.tables, { ...query, values: [own] }, poolId);
  }

  async function interrupt(ids: readonly string[]): Promise<{ rows: [] }> {
    await options.giveBack(poolId, { only: ids });
    return { rows: [] };
  }

  const outgoing = (query: EngineQuery): EngineQuery => {
    if (options.preparedStatements || query.name === undefined) return query;
    const { name: _, ...unnamed } = query;
    return unnamed;
  };

  // A statement that waits or is repeated gives its connection up and takes another when it is its turn:
  // a small pool of connections whose holders all wait for a free one would wait for ever.
  function wrapClient(client: pg.PoolClient): pg.PoolClient {
    let released = false;
    const release = (error?: Error | boolean) => {
      if (released) return;
      released = true;
      client.release(error);
    };
    const run = async (query: EngineQuery) => {
      if (released) return pool.query(outgoing(query));
      try {
        return await client.query(outgoing(query));
      } catch (error) {
        if (isPassing(error)) release(true);
        throw error;
      }
    };
    const query = (...args: unknown[]): unknown => {
      const [first] = args;
      const kind = args.length === 1 ? kindOf(first) : undefined;
      if (kind === undefined) return (client.query as (...all: unknown[]) => unknown)(...args);
      const given = first as EngineQuery;
      const named = kind === "complete" ? completion(given) : given;
      if (named === undefined) return Promise.resolve({ rows: [] });
      if (kind !== "claim") return write(kind, named, () => run(named));
      if (gate.closed || !isReady) release();
      return claim(named, () => run(named));
    };
    return new Proxy(client, {
      get(target, property) {
        if (property === "query") return query;
        if (property === "release") return release;
        const value = Reflect.get(target, property) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  const connect = async () => {
    // Unheard, the error of a late write (a task that outlived its stop) would end the process.
    if (noWrites.aborted && pool.ending) return ENDED_CLIENT;
    return wrapClient(await withRetries(() => pool.connect(), noWrites));
  };

  return new Proxy(pool, {
    get(target, property) {
      if (property === "connect") {
        // The form with a callback is that of the listening client.
        return (callback?: Parameters<pg.Pool["connect"]>[0]) =>
          callback === undefined ? connect() : target.connect(callback);
      }
      const value = Reflect.get(target, property) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** What late writes are sent to: their claims have been given back, they have nothing to say. */
const ENDED_CLIENT = {
  query: async () => ({ rows: [] }),
  release: () => {},
} as unknown as pg.PoolClient;

function kindOf(query: unknown): Kind | undefined {
  if (typeof query !== "object" || query === null) return undefined;
  const { name, text } = query as { name?: unknown; text?: unknown };
  if (typeof name === "string") return KINDS.find(([pattern]) => pattern.test(name))?.[1];
  // Unnamed, the engine looks up its tasks' ids; it keeps a failure of that for ever.
  return typeof text === "string" && TASK_IDS.test(text) ? "other" : undefined;
}

/** The ids whose claim ends with a statement, from its parameters; empty where a claim goes on. */
function writtenIds(kind: Kind, values: readonly unknown[]): string[] {
  switch (kind) {
    case "complete":
      return ([] as string[]).concat(values[0] as string | string[]);
    case "return":
      return values[1] as string[];
    case "fail":
      return failedIds(values);
    default:
      return [];
  }
}

/** `fail_job` has JSON in second place; `fail_jobs`, of a forced shutdown, ids in the first. */
function failedIds([first, second]: readonly unknown[]): string[] {
  if (Array.isArray(first)) return first as string[];
  return (JSON.parse(second as string) as { jobId: string }[]).map(({ jobId }) => jobId);
}
