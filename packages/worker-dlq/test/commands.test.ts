import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandInput, defineTask } from "@oppulence/worker-core";
import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { fillDeadLetters } from "./fill-dead-letters.ts";
import { queued, start } from "./start.ts";

const task0 = defineTask({ identifier: "task_0", run: () => {} });

/** The commands of a worker with `count` dead letters, half of them of a task that it has. */
async function started(count: number, says = true) {
  const harness = await start([task0]);
  await fillDeadLetters(harness.sql, count, { tasks: 2, causes: 1 });
  return { ...harness, ...commandLine(harness.worker, says) };
}

describe("dlq list", () => {
  it("shows a page and where the next begins; exits 3 when there is none", async () => {
    const { run, printed } = await started(4);
    expect(await run("dlq list", { options: { limit: "1", task: "task_0" } })).toBe(0);
    expect(printed[0]).toMatch(/^4 task_0 attempts_exhausted TypeError: cannot read user 4 1 0 /);
    expect(printed[1]).toBe("there are more: --cursor 4");
    expect(await run("dlq list", { options: { limit: "1", task: "task_0", cursor: "4" } })).toBe(0);
    expect(printed[0]).toMatch(/^2 /);
    expect(await run("dlq list", { options: { label: ["tenant=t3"] } })).toBe(0);
    expect(printed).toHaveLength(1);
    expect(await run("dlq list", { options: { since: "2026-03-01T10:00:00Z", until: "1d" } })).toBe(
      3,
    );
  });

  it("refuses values that are wrong", async () => {
    const { run } = await started(1);
    const wrong: [CommandInput["options"], string][] = [
      [{ limit: "many" }, '--limit: got "many"; it is a whole number'],
      [{ since: "2026-02-30" }, "--since"],
      [{ since: "soon" }, "--since"],
      [{ label: ["tenant"] }, '--label: got "tenant"; it is name=value'],
      [{ state: "alive" }, "state"],
      [{ fingerprint: "xyz" }, "expected 16 hexadecimal digits"],
    ];
    for (const [options, message] of wrong)
      await expect(run("dlq list", { options })).rejects.toThrow(message);
  });
});

describe("dlq show, groups and stats", () => {
  it("show what there is", async () => {
    const { run, printed } = await started(4);
    expect(await run("dlq show", { args: { id: "3" } })).toBe(0);
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({
      id: "3",
      task: "task_1",
      payload: { n: 3 },
    });
    expect(await run("dlq show", { args: { id: "99" } })).toBe(3);
    expect(await run("dlq groups")).toBe(0);
    expect(printed[0]).toMatch(/^[0-9a-f]{16} task_0 2 TypeError: cannot read user 4 /);
    expect(await run("dlq groups", { options: { task: "none" } })).toBe(3);
    await run("dlq stats");
    expect(printed[0]).toMatch(/^task_0 2 /);
    expect(printed.at(-1)).toBe("4 dead letters");
  });
});

describe("dlq reprocess", () => {
  it("says of each that cannot go why, and exits 1; 0 when all went; 3 when there was none", async () => {
    const harness = await started(4);
    const { run, printed } = harness;
    const options = { all: true, runAt: "2100-01-01T00:00:00Z", spreadOver: "1m", priority: "5" };
    expect(await run("dlq reprocess", { options: { ...options, dryRun: true } })).toBe(1);
    expect(printed.at(-1)).toBe("would reprocess 2 of 4");
    expect(await run("dlq reprocess", { options })).toBe(1);
    expect(printed[0]).toMatch(/^1 task_1 UNKNOWN_TASK no task "task_1" is known here/);
    expect(printed.at(-1)).toBe("reprocessed 2 of 4");
    expect(await queued(harness)).toHaveLength(2);
    await harness.sql("update oppulence_worker.graphile_worker_dlq set task = 'task_0'");
    const payload = '{"fixed":true}';
    expect(await run("dlq reprocess", { args: { ids: ["1"] }, options: { payload } })).toBe(0);
    expect(await run("dlq reprocess", { options: { task: "none" } })).toBe(3);
  });

  it("prints the result for programs", async () => {
    const { run, printed } = await started(1);
    await run("dlq reprocess", { json: true, options: { all: true } });
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({ matched: 1, requeued: 0, refused: 1 });
  });

  it("refuses values that are wrong", async () => {
    const { run } = await started(1);
    const wrong: [CommandInput["options"], string][] = [
      [{}, "got nothing that says which dead letters"],
      [{ all: true, payload: "{" }, "--payload: is not JSON"],
      [{ all: true, runAt: "2100-01-01" }, "--run-at"],
      [{ all: true, runAt: "2h" }, '--run-at: got "2h"; it is a time with its zone'],
      [{ all: true, spreadOver: "5 bananas" }, "unit"],
    ];
    for (const [options, message] of wrong)
      await expect(run("dlq reprocess", { options })).rejects.toThrow(message);
  });
});

describe("dlq discard and purge", () => {
  it("ask first, and do nothing without a yes", async () => {
    const { run, asked, api } = await started(3, false);
    expect(await run("dlq discard", { args: { ids: ["1"] } })).toBe(1);
    expect(await run("dlq purge", { options: { task: "task_1" } })).toBe(1);
    expect(asked).toEqual([
      "Delete 1 dead letters for good?",
      "Delete all 2 dead letters of task task_1 for good?",
    ]);
    expect((await api.stats()).total).toBe(3);
  });

  it("delete what is meant", async () => {
    const { run, printed, api } = await started(4);
    expect(await run("dlq discard", { args: { ids: ["1"] }, options: { dryRun: true } })).toBe(0);
    expect(printed).toEqual(["would delete 1 of 1"]);
    expect(await run("dlq discard", { args: { ids: ["1"] } })).toBe(0);
    expect(await run("dlq discard", { args: { ids: ["1"] } })).toBe(3);
    expect(await run("dlq purge", { options: { task: "task_0" } })).toBe(0);
    expect(printed).toEqual(["deleted 2 of 2"]);
    expect(await run("dlq purge", { json: true })).toBe(0);
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({ matched: 1, discarded: 1 });
    expect((await api.stats()).total).toBe(0);
  });
});

describe("dlq export", () => {
  it("writes a file", async () => {
    const { run } = await started(3);
    const folder = await mkdtemp(join(tmpdir(), "worker-dlq-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const output = join(folder, "dlq.csv");
    await run("dlq export", { options: { format: "csv", output, task: "task_1" } });
    const lines = (await readFile(output, "utf8")).trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^id,jobId,/);
    await expect(run("dlq export", { options: { format: "xml" } })).rejects.toThrow("format");
  });
});
