import { text } from "node:stream/consumers";
import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, vi } from "vitest";
import { fillDeadLetters } from "./fill-dead-letters.ts";
import { start } from "./start.ts";

const idle = defineTask({ identifier: "idle", run: () => {} });

describe("exportDLQ", () => {
  it("writes every entry once, oldest first, as NDJSON", async () => {
    const { api, sql } = await start([idle]);
    await fillDeadLetters(sql, 2_100);
    const lines = (await text(api.exportDLQ())).trimEnd().split("\n");
    const ids = lines.map((line) => Number(JSON.parse(line).id));
    expect(ids).toEqual(Array.from({ length: 2_100 }, (_, index) => index + 1));
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      payload: { n: 1 },
      labels: { tenant: "t1" },
    });
  });

  it("writes CSV whose fields no spreadsheet takes for a formula", async () => {
    const { api, sql } = await start([idle]);
    await fillDeadLetters(sql, 2);
    await sql(
      `update oppulence_worker.graphile_worker_dlq set error_message = '=HYPERLINK("http://evil")', task = '@task', payload = '"=1+1"'
where id = 1`,
    );
    const csv = await text(api.exportDLQ({ format: "csv", filter: { ids: ["1"] } }));
    const [header, line, ...rest] = csv.split("\n");
    expect(header).toMatch(/^id,jobId,/);
    expect(line).toContain(`"'=HYPERLINK(""http://evil"")"`);
    expect(line).toContain(`"'@task"`);
    expect(rest).toEqual([""]);
  });

  it("reads a part at a time: a reader that stops early leaves the rest unread", async () => {
    const { api, sql, pool } = await start([idle]);
    await fillDeadLetters(sql, 20_000);
    const statements = vi.spyOn(pool, "query");
    for await (const chunk of api.exportDLQ()) {
      expect(chunk.length).toBeLessThan(1_000_000);
      break;
    }
    const texts = statements.mock.calls.map(([text]) => String(text));
    const reads = texts.filter((text) => text.includes("payload::text"));
    expect(reads.length).toBeGreaterThan(0);
    // A hundred would read it all.
    expect(reads.length).toBeLessThan(5);
  });

  it("ends with the database's error", async () => {
    const { api, sql } = await start([idle]);
    await fillDeadLetters(sql, 2);
    await sql("alter table oppulence_worker.graphile_worker_dlq rename to elsewhere");
    await expect(text(api.exportDLQ())).rejects.toThrow("graphile_worker_dlq");
  });

  it("refuses an unknown format, and a wrong filter", async () => {
    const { api } = await start([idle]);
    expect(() => api.exportDLQ({ format: "xml" as never })).toThrow("format");
    expect(() => api.exportDLQ({ filter: { tsk: 1 } as never })).toThrow('did you mean "task"');
  });
});
