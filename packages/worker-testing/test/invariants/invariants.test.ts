import { inspectedTables } from "@oppulence/worker-core/engine-testing";
import { describe, expect, it } from "vitest";
import {
  assertInvariants,
  checkInvariants,
  createHarness,
  type Harness,
  INVARIANTS,
  type InvariantOptions,
  isInvariantError,
} from "../../src/index.ts";

const { jobs, queues, notes } = inspectedTables();
const NOTE = `insert into ${notes} (job_id, plugin, code, message, kind, until, held_from)`;

/** A worker's database on which nothing runs. */
const quiet = () => createHarness({ start: false, taskList: { work: () => {} } });

const add = (harness: Harness<any>) => harness.enqueueSql("work", {}, { queueName: "q" });

/** How to break each invariant, given the id of a job in the queue `q`. */
const broken: Record<string, { sql?: string; options?: (id: string) => InvariantOptions }> = {
  "no-job-lost": { options: () => ({ jobs: ["4711"] }) },
  "no-ended-job-left": { options: (id) => ({ jobs: [id], done: [id] }) },
  "no-queue-locked-without-job": {
    sql: `update ${queues} set locked_by = 'p', locked_at = now()`,
    options: () => ({ livePools: ["p"] }),
  },
  "no-job-locked-without-queue": {
    sql: `update ${jobs} set locked_by = 'p', locked_at = now()`,
    options: () => ({ livePools: ["p"] }),
  },
  "no-two-jobs-running-in-one-queue": {
    sql: `with other as (
  select graphile_worker.add_job('work', queue_name => 'q')
), locked as (
  update ${queues} set locked_by = 'p', locked_at = now()
)
select from other`,
    options: () => ({ livePools: ["p"] }),
  },
  "no-lock-of-unknown-pool": {
    sql: `with locked as (
  update ${queues} set locked_by = 'p', locked_at = now()
)
update ${jobs} set locked_by = 'p', locked_at = now()`,
  },
  "no-half-set-lock": { sql: `update ${queues} set locked_at = now()` },
  "no-attempts-out-of-range": { sql: `update ${jobs} set attempts = 26` },
  "no-note-of-unknown-job": { sql: `${NOTE} values (4711, 'p', 'C', 'm', 'skipped', null, null)` },
  "no-incomplete-note": { sql: `${NOTE} values (1, 'p', 'C', 'm', 'held', now(), null)` },
};

describe("checkInvariants", () => {
  it("finds nothing on a database with jobs, locks of living pools and notes", async () => {
    await using harness = await quiet();
    await harness.worker.migrate("auto");
    const id = await add(harness);
    await harness.sql(`update ${queues} set locked_by = 'p', locked_at = now()`);
    await harness.sql(`update ${jobs} set locked_by = 'p', locked_at = now()`);
    await harness.sql(`${NOTE} values ($1, 'p', 'C', 'm', 'deferred', now(), null)`, [id]);
    const options = { jobs: [id, "99"], done: ["99"], livePools: ["p"] };
    expect(await checkInvariants(harness.sql, options)).toEqual([]);
  });

  it("has a way to be broken for each invariant", () => {
    expect(Object.keys(broken)).toEqual(INVARIANTS);
  });

  it.for(Object.entries(broken))(
    "finds that %s does not hold",
    async ([name, { sql, options }]) => {
      await using harness = await quiet();
      await harness.worker.migrate("auto");
      const id = await add(harness);
      if (sql !== undefined) await harness.sql(sql);
      // Here the statement that adds the second job cannot see it yet.
      if (name.startsWith("no-two")) {
        await harness.sql(`update ${jobs} set locked_by = 'p', locked_at = now()`);
      }
      const found = await checkInvariants(harness.sql, { ...options?.(id) });
      expect(found.map((violation) => violation.name)).toEqual([name]);
      expect(found[0]?.rows.length).toBeGreaterThan(0);
    },
  );
});

describe("assertInvariants", () => {
  it("names the invariant, what should be true, and the rows", async () => {
    await using harness = await quiet();
    const error = await assertInvariants(harness.sql, { jobs: ["1", "2"], done: ["2"] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isInvariantError(error)).toBe(true);
    expect((error as Error).message).toBe(
      'no-job-lost does not hold (every job that was added and has not ended is in the table):\n  {"id":"1"}',
    );
  });
});
