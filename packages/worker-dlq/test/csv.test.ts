import { describe, expect, it } from "vitest";
import { csvHeader, csvLines } from "../src/csv.ts";
import { type DeadLetter, toDeadLetter } from "../src/dead-letter.ts";

/** An entry of which a test says only what matters to it. */
const entry = (change: Partial<DeadLetter>): DeadLetter => {
  const at = new Date("2026-03-01T10:00:00Z");
  const row = {
    id: "1",
    job_id: "2",
    origin_id: "2",
    requeue_count: 0,
    task: "t",
    queue_name: null,
    job_key: null,
    priority: -5,
    payload: "{}",
    payload_size: 2,
    redacted: null,
    flags: null,
    attempts: 1,
    max_attempts: 1,
    run_at: at,
    created_at: at,
    failed_at: at,
    dead_at: at,
    reason: "attempts_exhausted",
    error_name: null,
    error_code: null,
    error_message: "m",
    error_stack: null,
    error_causes: null,
    earlier_errors: null,
    fingerprint: "0123456789abcdef",
    worker: null,
  };
  return { ...toDeadLetter(row, 3), ...change };
};

describe("csvLines", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])(
    "escapes the formula %j",
    (text) => {
      const error = { ...entry({}).error, message: text, name: text };
      const line = csvLines([entry({ error, jobKey: text, queueName: text, payload: text })]);
      // Of each field that is text: no spreadsheet may see it begin with the formula.
      expect(line.match(/"'[=+\-@\t\r＝]/g)).toHaveLength(4);
      expect(line).not.toMatch(/(?:^|,)"?[=+@\t\r＝]/);
    },
  );

  it("keeps line breaks and quotes inside their field", () => {
    const error = { ...entry({}).error, message: 'a "b"\nc' };
    expect(csvLines([entry({ error })])).toContain('"a ""b""\nc"');
  });

  it("has as many fields as the header", () => {
    expect(csvHeader().split(",")).toHaveLength(23);
    expect(csvLines([entry({})]).split(",")).toHaveLength(23);
    expect(csvLines([])).toBe("");
  });
});
